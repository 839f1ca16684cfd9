#include "autoscaler/allocate/allocate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace ballast::allocate {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AllocateTest, PlentyGivesEverybodyTheirDemandAndCapacityIsWorthNothing) {
  const Allocation got = Allocate({.capacity = 10, .items = {{.demand = 3}, {.demand = 4}}});

  EXPECT_EQ(got.status, Status::kOptimal);
  EXPECT_THAT(got.amounts, ElementsAre(3, 4));
  EXPECT_THAT(got.bindings, ElementsAre(Binding::kDemand, Binding::kDemand));
  EXPECT_EQ(got.shadow_price, 0);
  EXPECT_TRUE(std::isinf(got.water_level));
}

TEST(AllocateTest, ScarcityGivesSmallDemandsFullyAndLevelsTheRest) {
  const Allocation got =
      Allocate({.capacity = 9, .items = {{.demand = 1}, {.demand = 8}, {.demand = 20}}});

  EXPECT_THAT(got.amounts, ElementsAre(1, 4, 4));
  EXPECT_THAT(got.bindings,
              ElementsAre(Binding::kDemand, Binding::kWaterLevel, Binding::kWaterLevel));
  EXPECT_DOUBLE_EQ(got.water_level, 4);
  EXPECT_EQ(got.shadow_price, 1);
  EXPECT_DOUBLE_EQ(got.objective, 9);
}

TEST(AllocateTest, WeightsShareWhatIsScarce) {
  const Allocation got =
      Allocate({.capacity = 8, .items = {{.demand = 9, .weight = 3}, {.demand = 9, .weight = 1}}});

  EXPECT_THAT(got.amounts, ElementsAre(6, 2));
}

TEST(AllocateTest, AGuaranteeHoldsBelowTheWaterLevel) {
  const Allocation got =
      Allocate({.capacity = 10, .items = {{.demand = 9, .guarantee = 7}, {.demand = 9}}});

  EXPECT_THAT(got.amounts, ElementsAre(7, 3));
  EXPECT_THAT(got.bindings, ElementsAre(Binding::kGuarantee, Binding::kWaterLevel));
}

TEST(AllocateTest, AGuaranteeAboveTheDemandTakesOnlyTheDemand) {
  const Allocation got =
      Allocate({.capacity = 10, .items = {{.demand = 1, .guarantee = 8}, {.demand = 9}}});

  EXPECT_THAT(got.amounts, ElementsAre(1, 9));
}

TEST(AllocateTest, ACeilingBelowTheDemandBindsAndFreesTheRest) {
  const Allocation got =
      Allocate({.capacity = 10, .items = {{.demand = 9, .ceiling = 2}, {.demand = 9}}});

  EXPECT_THAT(got.amounts, ElementsAre(2, 8));
  EXPECT_EQ(got.bindings[0], Binding::kCeiling);
}

TEST(AllocateTest, AHigherTierIsFilledBeforeALowerOneButLeavesItsGuarantee) {
  const Allocation got = Allocate(
      {.capacity = 10,
       .items = {{.demand = 9, .guarantee = 2, .priority = 0}, {.demand = 20, .priority = 1}}});

  EXPECT_THAT(got.amounts, ElementsAre(2, 8));
  EXPECT_THAT(got.bindings, ElementsAre(Binding::kGuarantee, Binding::kWaterLevel));
}

TEST(AllocateTest, GuaranteesAboveTheCapacityAreInfeasibleAndSayByHowMuch) {
  const Allocation got = Allocate(
      {.capacity = 10, .items = {{.demand = 9, .guarantee = 7}, {.demand = 9, .guarantee = 6}}});

  EXPECT_EQ(got.status, Status::kInfeasible);
  EXPECT_THAT(got.explanation, HasSubstr("exceed the capacity of 10 by 3"));
  EXPECT_TRUE(got.amounts.empty());
}

TEST(AllocateTest, NobodyToServeIsSolved) {
  const Allocation got = Allocate({.capacity = 10, .items = {}});

  EXPECT_EQ(got.status, Status::kOptimal);
  EXPECT_EQ(got.objective, 0);
}

TEST(AllocateTest, NoCapacityGivesNothing) {
  const Allocation got = Allocate({.capacity = 0, .items = {{.demand = 3}}});

  EXPECT_THAT(got.amounts, ElementsAre(DoubleEq(0)));
  EXPECT_EQ(got.bindings[0], Binding::kWaterLevel);
}

TEST(AllocateDeathTest, ANegativeDemandIsABugOfTheCaller) {
  EXPECT_DEATH(Allocate({.capacity = 1, .items = {{.demand = -1}}}), "finite and not negative");
}

}  // namespace
}  // namespace ballast::allocate

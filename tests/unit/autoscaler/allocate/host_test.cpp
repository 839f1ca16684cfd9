#include "autoscaler/allocate/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace ballast::allocate {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

HostProblem Coupled(std::vector<Resource> resources) {
  return {.resources = std::move(resources), .coupling = Coupling::kDominantShare};
}

// Ghodsi et al., section 4.1: 9 CPUs and 18 GB, tasks of (1, 4) and of (3, 1); as many as there is
// room for.
HostProblem ExampleOfThePaper() {
  return Coupled({{"cpu", {.capacity = 9, .items = {{.demand = 100}, {.demand = 300}}}},
                  {"memory", {.capacity = 18, .items = {{.demand = 400}, {.demand = 100}}}}});
}

TEST(HostTest, SeparateResourcesAreProblemsOfTheirOwn) {
  const HostAllocation got = Allocate(HostProblem{
      .resources = {{"cpu", {.capacity = 9, .items = {{.demand = 9}, {.demand = 9}}}},
                    {"memory", {.capacity = 90, .items = {{.demand = 9}, {.demand = 9}}}},
                    {"disk", {.capacity = 4, .items = {{.demand = 1}, {.demand = 9}}}}}});

  ASSERT_EQ(got.resources.size(), 3U);
  EXPECT_THAT(got.resources[0].amounts, ElementsAre(4.5, 4.5));
  EXPECT_THAT(got.resources[1].amounts, ElementsAre(9, 9));
  EXPECT_THAT(got.resources[2].amounts, ElementsAre(1, 3));
  EXPECT_TRUE(got.progress.empty());
}

TEST(HostTest, CoupledSharesTheExampleOfThePaperAsThePaperDoes) {
  const HostAllocation got = Allocate(ExampleOfThePaper());

  EXPECT_THAT(got.resources[0].amounts, Pointwise(DoubleNear(1e-12), {3.0, 6.0}));
  EXPECT_THAT(got.resources[1].amounts, Pointwise(DoubleNear(1e-12), {12.0, 2.0}));
  EXPECT_NEAR(got.progress[0].dominant_share, 2.0 / 3, 1e-12);
  EXPECT_NEAR(got.progress[1].dominant_share, 2.0 / 3, 1e-12);
  EXPECT_EQ(got.progress[0].dominant, 1U);
  EXPECT_EQ(got.progress[1].dominant, 0U);
}

TEST(HostTest, TheExplanationNamesTheBottleneckAndWhatOneMoreUnitOfItIsWorth) {
  const HostAllocation got = Allocate(ExampleOfThePaper());

  EXPECT_THAT(got.resources[0].bindings, ElementsAre(Binding::kWaterLevel, Binding::kWaterLevel));
  EXPECT_THAT(got.resources[1].bindings, ElementsAre(Binding::kCoupled, Binding::kCoupled));
  EXPECT_NEAR(got.resources[0].water_level, 2.0 / 3, 1e-12);
  EXPECT_TRUE(std::isinf(got.resources[1].water_level));
  // One more CPU, 2/27 more of everything for both: 4.5/13.5 tasks of 1 CPU and 1/3 of 3 CPUs...
  // of 9.
  EXPECT_NEAR(got.resources[0].shadow_price, (2.0 / 3) / 9, 1e-12);
  EXPECT_EQ(got.resources[1].shadow_price, 0);
}

TEST(HostTest, WhoNeedsNothingOfAFullResourceRisesOn) {
  const HostAllocation got =
      Allocate(Coupled({{"cpu", {.capacity = 4, .items = {{.demand = 4}, {.demand = 4}, {}}}},
                        {"disk", {.capacity = 10, .items = {{}, {.demand = 1}, {.demand = 20}}}}}));

  EXPECT_THAT(got.resources[0].amounts, ElementsAre(2, 2, 0));
  EXPECT_THAT(got.resources[1].amounts, ElementsAre(0, 0.5, 9.5));
  EXPECT_EQ(got.resources[1].bindings[1], Binding::kCoupled);
  EXPECT_EQ(got.resources[1].bindings[2], Binding::kWaterLevel);
}

TEST(HostTest, ACeilingOfOneResourceFreesTheOthersToo) {
  const HostAllocation got = Allocate(
      Coupled({{"cpu", {.capacity = 10, .items = {{.demand = 8, .ceiling = 2}, {.demand = 8}}}},
               {"memory", {.capacity = 100, .items = {{.demand = 80}, {.demand = 80}}}}}));

  EXPECT_THAT(got.resources[0].amounts, ElementsAre(2, 8));
  EXPECT_THAT(got.resources[1].amounts, ElementsAre(20, 80));
  EXPECT_EQ(got.resources[0].bindings[0], Binding::kCeiling);
  EXPECT_EQ(got.resources[1].bindings[0], Binding::kCoupled);
  EXPECT_EQ(got.progress[0].x, 0.25);
}

TEST(HostTest, AGuaranteeHoldsEvenWhereTheRestThatGoesWithItIsShort) {
  const HostAllocation got = Allocate(Coupled(
      {{"cpu", {.capacity = 4, .items = {{.demand = 8}, {.demand = 8}}}},
       {"memory", {.capacity = 100, .items = {{.demand = 60, .guarantee = 50}, {.demand = 60}}}}}));

  EXPECT_THAT(got.resources[0].amounts, ElementsAre(2, 2));
  EXPECT_THAT(got.resources[1].amounts, ElementsAre(50, 15));
  EXPECT_EQ(got.resources[1].bindings[0], Binding::kGuarantee);
}

TEST(HostTest, WhatAGuaranteeCoversIsUsedAfterTheResourceIsFull) {
  // Memory is full at once; the first has its guarantee to go on with.
  const HostAllocation got = Allocate(Coupled(
      {{"cpu", {.capacity = 10, .items = {{.demand = 10}, {.demand = 10}}}},
       {"memory", {.capacity = 50, .items = {{.demand = 80, .guarantee = 40}, {.demand = 80}}}}}));

  EXPECT_DOUBLE_EQ(got.progress[0].x, 0.5);
  EXPECT_DOUBLE_EQ(got.progress[1].x, 0.125);
  EXPECT_EQ(got.resources[1].bindings[0], Binding::kGuarantee);
  EXPECT_EQ(got.resources[1].bindings[1], Binding::kWaterLevel);
  EXPECT_EQ(got.resources[0].bindings[0], Binding::kCoupled);
}

TEST(HostTest, AHigherTierIsServedFirstAndLeavesGuarantees) {
  const HostAllocation got = Allocate(Coupled(
      {{"cpu",
        {.capacity = 10,
         .items = {{.demand = 9, .guarantee = 2, .priority = 0}, {.demand = 20, .priority = 1}}}},
       {"memory",
        {.capacity = 10,
         .items = {{.demand = 9, .guarantee = 2, .priority = 0}, {.demand = 5, .priority = 1}}}}}));

  EXPECT_THAT(got.resources[0].amounts, ElementsAre(2, 8));
  EXPECT_THAT(got.resources[1].amounts, ElementsAre(2, 2));
}

TEST(HostTest, OfWhatTheHostHasNothingNobodyGetsAnywhere) {
  const HostAllocation got =
      Allocate(Coupled({{"cpu", {.capacity = 4, .items = {{.demand = 2}, {.demand = 2}, {}}}},
                        {"gpu", {.capacity = 0, .items = {{.demand = 1}, {}, {.demand = 1}}}}}));

  EXPECT_THAT(got.resources[0].amounts, ElementsAre(0, 2, 0));
  EXPECT_THAT(got.resources[1].amounts, ElementsAre(0, 0, 0));
  EXPECT_EQ(got.resources[1].bindings[0], Binding::kWaterLevel);
}

TEST(HostTest, GuaranteesThatDoNotFitNameTheResource) {
  for (const Coupling coupling : {Coupling::kSeparate, Coupling::kDominantShare}) {
    const HostAllocation got = Allocate(HostProblem{
        .resources = {{"cpu", {.capacity = 9, .items = {{.demand = 1}}}},
                      {"disk", {.capacity = 4, .items = {{.demand = 7, .guarantee = 7}}}}},
        .coupling = coupling});

    EXPECT_EQ(got.status, Status::kInfeasible);
    EXPECT_THAT(got.explanation, HasSubstr("disk: guarantees of 7 exceed the capacity of 4 by 3"));
    EXPECT_TRUE(got.resources.empty());
  }
}

TEST(HostTest, AHostWithoutWorkloadsOrResourcesIsSolved) {
  EXPECT_EQ(Allocate(Coupled({{"cpu", {.capacity = 9, .items = {}}}})).status, Status::kOptimal);
  EXPECT_EQ(Allocate(Coupled({})).status, Status::kOptimal);
}

}  // namespace
}  // namespace ballast::allocate

#include "autoscaler/allocate/whole_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/unit/autoscaler/allocate/random_problem.h"

namespace ballast::allocate {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> Solve(const Problem& problem) {
  return WholeUnits(problem, Allocate(problem));
}

TEST(WholeUnitsTest, UnitsLeftOverGoToTheLargestRemainders) {
  const auto got = Solve({.capacity = 1000,
                          .items = {{.demand = 900, .weight = 1},
                                    {.demand = 900, .weight = 1},
                                    {.demand = 900, .weight = 4}}});

  EXPECT_THAT(got, ElementsAre(167, 167, 666));
}

TEST(WholeUnitsTest, TiesGoToTheEarlierItem) {
  const auto got =
      Solve({.capacity = 100, .items = {{.demand = 90}, {.demand = 90}, {.demand = 90}}});

  EXPECT_THAT(got, ElementsAre(34, 33, 33));
}

TEST(WholeUnitsTest, OfEqualSplitsTheOneThatIsAppliedStays) {
  const Problem thirds{.capacity = 100, .items = {{.demand = 90}, {.demand = 90}, {.demand = 90}}};
  const Allocation solved = Allocate(thirds);

  EXPECT_THAT(WholeUnits(thirds, solved, std::vector<std::int64_t>{33, 33, 34}),
              ElementsAre(33, 33, 34));
  // One that is new moves the tie; the rest stays.
  EXPECT_THAT(WholeUnits(thirds, solved, std::vector<std::int64_t>{0, 33, 34}),
              ElementsAre(33, 33, 34));
}

TEST(WholeUnitsTest, ALargerRemainderGoesBeforeWhatIsApplied) {
  const Problem problem{.capacity = 1000,
                        .items = {{.demand = 900, .weight = 1}, {.demand = 900, .weight = 5}}};

  EXPECT_THAT(WholeUnits(problem, Allocate(problem), std::vector<std::int64_t>{167, 833}),
              ElementsAre(167, 833));
  EXPECT_THAT(WholeUnits(problem, Allocate(problem), std::vector<std::int64_t>{166, 834}),
              ElementsAre(167, 833));
}

TEST(WholeUnitsTest, EqualsInAnyOrderKeepWhatTheyHave) {
  std::mt19937_64 random(22);
  for (int n = 0; n < 2000; ++n) {
    const auto count = std::uniform_int_distribution<std::size_t>(2, 9)(random);
    Problem problem{
        .capacity = static_cast<double>(std::uniform_int_distribution<int>(1, 500)(random)),
        .items = std::vector<Item>(count, {.demand = 1000})};
    const auto before = Solve(problem);
    std::vector<std::int64_t> turned(before.rbegin(), before.rend());

    ASSERT_EQ(WholeUnits(problem, Allocate(problem), turned), turned) << "case " << n;
  }
}

TEST(WholeUnitsTest, SumsAreExactOnRandomHosts) {
  std::mt19937_64 random(21);
  for (int n = 0; n < 3000; ++n) {
    const Problem problem = test::RandomProblem(random, {.whole_numbers = true, .tiers = 2});
    const auto units = Solve(problem);

    double wanted = 0;
    for (std::size_t i = 0; i < units.size(); ++i) {
      const Item& item = problem.items[i];
      const double hi = std::min(item.demand, item.ceiling);
      wanted += hi;
      ASSERT_LE(static_cast<double>(units[i]), hi) << "case " << n;
      ASSERT_GE(static_cast<double>(units[i]), std::min(item.guarantee, hi)) << "case " << n;
    }
    const auto sum = std::accumulate(units.begin(), units.end(), std::int64_t{0});
    ASSERT_EQ(sum, static_cast<std::int64_t>(std::min(wanted, problem.capacity))) << "case " << n;
  }
}

}  // namespace
}  // namespace ballast::allocate

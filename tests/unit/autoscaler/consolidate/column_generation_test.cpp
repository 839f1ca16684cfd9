#include "autoscaler/consolidate/column_generation.h"

#include <gtest/gtest.h>

#include "tests/support/consolidation_instances.h"

namespace ballast::consolidate {
namespace {

// The most value that fits with as many copies of each shape as one likes.
double BestWithoutLimits(const Instance& in, const std::vector<double>& value, std::size_t shape,
                         std::vector<Amount> room) {
  if (shape == in.shapes.size()) return 0;
  double best = 0, here = 0;
  for (bool fits = true; fits; here += value[shape]) {
    best = std::max(best, here + BestWithoutLimits(in, value, shape + 1, room));
    for (std::size_t k = 0; k < room.size(); ++k)
      fits &= (room[k] -= in.shapes[shape].demand[k]) >= 0;
  }
  return best;
}

double ValueOf(const Column& column, const std::vector<double>& value) {
  double sum = 0;
  for (const auto& [shape, count] : column.counts) sum += value[shape] * count;
  return sum;
}

void ExpectFits(const Instance& in, const Column& column) {
  std::vector<Amount> room = in.types[column.type].capacity;
  for (const auto& [shape, count] : column.counts)
    for (std::size_t k = 0; k < room.size(); ++k)
      EXPECT_GE(room[k] -= in.shapes[shape].demand[k] * count, 0);
}

std::vector<double> RandomValues(const Instance& in, Random& random) {
  std::vector<double> value;
  for (std::size_t s = 0; s < in.shapes.size(); ++s) value.push_back(random.Unit());
  return value;
}

TEST(GridKnapsackTest, ValuesAreThoseOfUnlimitedCopies) {
  Random random(5);
  for (int trial = 0; trial < 100; ++trial) {
    const Problem problem = test::MakeUniform(
        {.vms = 5, .low = 0.1, .high = 0.6, .capacity = 30, .seed = random.Next()});
    const Instance in = MakeInstance(problem);
    const std::vector<double> value = RandomValues(in, random);
    const double best = BestWithoutLimits(in, value, 0, in.types[0].capacity);
    GridKnapsack grid(in);
    WorkMeter work;

    const std::vector<double> most = grid.MostValues(value, work);

    ASSERT_GE(most[0], best) << "trial " << trial;
    ASSERT_NEAR(most[0], best, 1e-4) << "trial " << trial;
  }
}

// Needs nothing of one resource: the recursion then stays in its own row.
TEST(GridKnapsackTest, ShapesThatLackAResourceCount) {
  Problem problem;
  problem.resources = {"cpu", "memory"};
  problem.hosts.push_back({"h", {4, 10}, kCostScale, false});
  problem.vms.push_back({"cpu", {1, 0}, kNoHost, 0, {}, {}});
  problem.vms.push_back({"memory", {0, 3}, kNoHost, 0, {}, {}});
  const Instance in = MakeInstance(problem);
  GridKnapsack grid(in);
  WorkMeter work;

  const std::vector<double> most = grid.MostValues({1.0, 10.0}, work);

  EXPECT_NEAR(most[0], 4 * 1.0 + 3 * 10.0, 1e-3);
}

TEST(GridKnapsackTest, FillingsFitAndTheFirstIsWorthTheMost) {
  const Problem problem = test::MakeFleet({.vms = 2000, .shapes = 30, .types = 4});
  const Instance in = MakeInstance(problem);
  Random random(3);
  const std::vector<double> value = RandomValues(in, random);
  const std::vector<int> plenty(in.shapes.size(), 1'000'000);
  GridKnapsack grid(in);
  WorkMeter work;

  const std::vector<double> most = grid.MostValues(value, work);

  for (int t = 0; t < static_cast<int>(in.types.size()); ++t) {
    const std::vector<Column> fillings = grid.FillingsOf(t, plenty, 8);
    ASSERT_EQ(fillings.size(), 8u);
    EXPECT_NEAR(ValueOf(fillings.front(), value), most[t], 1e-4 * most[t]);
    for (const Column& filling : fillings) ExpectFits(in, filling);
  }
}

TEST(GridKnapsackTest, FillingsTakeNoMoreThanIsLeft) {
  const Problem problem = test::MakeFleet({.vms = 2000, .shapes = 30, .types = 4});
  const Instance in = MakeInstance(problem);
  const std::vector<double> value(in.shapes.size(), 1.0);
  std::vector<int> one(in.shapes.size(), 1);
  GridKnapsack grid(in);
  WorkMeter work;

  grid.MostValues(value, work);

  for (const Column& filling : grid.FillingsOf(0, one, 30))
    for (const auto& [shape, count] : filling.counts) EXPECT_LE(count, 1);
}

TEST(GridKnapsackTest, GridsThatWouldBeTooLargeAreRefused) {
  const Problem problem = test::MakeUniform({.vms = 50});  // a million units of each resource

  EXPECT_FALSE(GridKnapsack(MakeInstance(problem)).is_usable());
}

struct Fleet {
  const char* name;
  std::uint64_t seed;
  bool copies_suffice;  // no filling wants more copies of a shape than there are
};

class SolveOnGridTest : public testing::TestWithParam<Fleet> {};

// The two ways to the end of the same LP.
TEST_P(SolveOnGridTest, BoundIsThatOfExactPricingWhereCopiesSuffice) {
  const Problem problem = test::MakeFleet(
      {.vms = 600, .shapes = 12, .types = 3, .placed = false, .seed = GetParam().seed});
  const Instance in = MakeInstance(problem);
  WorkMeter work;
  ColumnGeneration by_pricer(in), by_grid(in);

  const auto exact = by_pricer.Solve({}, work);
  const auto on_grid = by_grid.SolveOnGrid({.iterations = 200}, work);

  ASSERT_TRUE(exact.converged && on_grid);
  EXPECT_LE(on_grid->bound, exact.objective * (1 + 1e-9));
  EXPECT_EQ(on_grid->converged, GetParam().copies_suffice);
  if (GetParam().copies_suffice) {
    EXPECT_NEAR(on_grid->bound, exact.objective, 5e-4 * exact.objective);
  }
}

INSTANTIATE_TEST_SUITE_P(Fleets, SolveOnGridTest,
                         testing::Values(Fleet{"CopiesSuffice", 6, true},
                                         Fleet{"CopiesRunOut", 4, false}),
                         [](const auto& row) { return row.param.name; });

TEST(ColumnGenerationTest, WithoutSurplusNoColumnHoldsMoreThanIsLeft) {
  const Problem problem = test::MakeFleet({.vms = 600, .shapes = 12, .types = 3, .placed = false});
  const Instance in = MakeInstance(problem);
  WorkMeter work;
  ColumnGeneration cg(in);
  cg.Solve({.iterations = 30, .nodes = 0}, work);
  const std::vector<int> two(in.shapes.size(), 2);

  cg.SetDemand(two);
  cg.DropSurplus();

  ASSERT_FALSE(cg.columns().empty());
  for (const Column& column : cg.columns())
    for (const auto& [shape, count] : column.counts) EXPECT_LE(count, 2);
  EXPECT_TRUE(cg.Solve({.iterations = 30, .nodes = 0}, work).feasible);
}

}  // namespace
}  // namespace ballast::consolidate

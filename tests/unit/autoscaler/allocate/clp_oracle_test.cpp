// The same model handed to a general LP solver: an independent witness that the
// water-filling answer is optimal, and that the shadow price is the dual.

#include <gtest/gtest.h>
#include <ClpSimplex.hpp>

#include <algorithm>
#include <cmath>

#include "autoscaler/allocate/allocate.h"
#include "tests/unit/autoscaler/allocate/random_problem.h"

namespace ballast::allocate {
namespace {

struct ClpAnswer {
  bool optimal = false;
  double objective = 0;
  double dual = 0;
};

// maximise sum a_i, sum a_i <= R, lo_i <= a_i <= hi_i: (1)-(3) with a = r x.
ClpAnswer SolveWithClp(const Problem& problem) {
  const int count = static_cast<int>(problem.items.size());
  ClpSimplex clp;
  clp.setLogLevel(0);
  clp.resize(0, count);
  clp.setOptimizationDirection(-1);
  std::vector<int> columns(problem.items.size());
  const std::vector<double> ones(problem.items.size(), 1.0);
  for (int i = 0; i < count; ++i) {
    const Item& item = problem.items[static_cast<std::size_t>(i)];
    const double hi = std::min(item.demand, item.ceiling);
    columns[static_cast<std::size_t>(i)] = i;
    clp.setObjectiveCoefficient(i, 1);
    clp.setColumnBounds(i, std::min(item.guarantee, hi), hi);
  }
  clp.addRow(count, columns.data(), ones.data(), -COIN_DBL_MAX, problem.capacity);
  clp.primal();
  return {clp.isProvenOptimal(), clp.objectiveValue(), clp.dualRowSolution()[0]};
}

TEST(ClpOracleTest, ObjectivesAgreeOnThousandsOfRandomHosts) {
  std::mt19937_64 random(11);
  for (int n = 0; n < 4000; ++n) {
    const Problem problem = test::RandomProblem(random, {.tiers = 3});
    const Allocation ours = Allocate(problem);
    const ClpAnswer clp = SolveWithClp(problem);

    ASSERT_TRUE(clp.optimal) << "case " << n;
    ASSERT_EQ(ours.status, Status::kOptimal) << "case " << n << ": " << ours.explanation;
    ASSERT_NEAR(ours.objective, clp.objective, 1e-9 * std::max(1.0, clp.objective)) << "case " << n;
  }
}

TEST(ClpOracleTest, TheShadowPriceIsTheDualOfTheCapacity) {
  std::mt19937_64 random(12);
  for (int n = 0; n < 1000; ++n) {
    Problem problem = test::RandomProblem(random);
    // On the edge (demand exactly meets capacity) the dual is not unique.
    problem.capacity += 1e-3;
    const Allocation ours = Allocate(problem);
    const ClpAnswer clp = SolveWithClp(problem);

    ASSERT_NEAR(ours.shadow_price, std::abs(clp.dual), 1e-9) << "case " << n;
  }
}

TEST(ClpOracleTest, InfeasibleHereIsInfeasibleThere) {
  std::mt19937_64 random(13);
  int seen = 0;
  for (int n = 0; n < 1000; ++n) {
    Problem problem = test::RandomProblem(random);
    double guaranteed = 0;
    for (const Item& item : problem.items)
      guaranteed += std::min({item.guarantee, item.demand, item.ceiling});
    if (guaranteed < 1) continue;
    problem.capacity = 0.9 * guaranteed;
    ++seen;

    ASSERT_EQ(Allocate(problem).status, Status::kInfeasible) << "case " << n;
    ASSERT_FALSE(SolveWithClp(problem).optimal) << "case " << n;
  }
  EXPECT_GT(seen, 100);
}

}  // namespace
}  // namespace ballast::allocate

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autoscaler/allocate/allocate.h"
#include "tests/unit/autoscaler/allocate/random_problem.h"

namespace ballast::allocate {
namespace {

using test::RandomProblem;

constexpr int kCases = 3000;

double Hi(const Item& item) {
  return std::min(item.demand, item.ceiling);
}
double Lo(const Item& item) {
  return std::min(item.guarantee, Hi(item));
}
double Tolerance(const Problem& problem) {
  return 1e-9 * std::max(1.0, problem.capacity);
}

TEST(AllocatePropertiesTest, EveryAnswerSatisfiesTheConstraints) {
  std::mt19937_64 random(1);
  for (int n = 0; n < kCases; ++n) {
    const Problem problem = RandomProblem(random, {.tiers = 3});
    const Allocation got = Allocate(problem);

    ASSERT_EQ(got.status, Status::kOptimal) << "case " << n << ": " << got.explanation;
    const double sum = std::accumulate(got.amounts.begin(), got.amounts.end(), 0.0);
    ASSERT_LE(sum, problem.capacity + Tolerance(problem)) << "case " << n << " breaks (1)";
    for (std::size_t i = 0; i < problem.items.size(); ++i) {
      ASSERT_GE(got.amounts[i], Lo(problem.items[i])) << "case " << n << " breaks (3)";
      ASSERT_LE(got.amounts[i], Hi(problem.items[i])) << "case " << n << " breaks (2), (3)";
    }
  }
}

// Weighted max-min: nobody can be given more except at the cost of one who has
// less per weight, or of one who is held up only by a guarantee.
TEST(AllocatePropertiesTest, NobodyCanGainFromOneWhoHasMorePerWeight) {
  std::mt19937_64 random(2);
  for (int n = 0; n < kCases; ++n) {
    const Problem problem = RandomProblem(random);
    const Allocation got = Allocate(problem);

    const double eps = Tolerance(problem);
    for (std::size_t poor = 0; poor < problem.items.size(); ++poor) {
      if (got.amounts[poor] >= Hi(problem.items[poor]) - eps) continue;
      for (std::size_t rich = 0; rich < problem.items.size(); ++rich) {
        if (got.amounts[rich] <= Lo(problem.items[rich]) + eps) continue;
        const double poor_level = got.amounts[poor] / problem.items[poor].weight;
        const double rich_level = got.amounts[rich] / problem.items[rich].weight;
        ASSERT_LE(rich_level, poor_level * (1 + 1e-7) + eps / problem.items[rich].weight)
            << "case " << n << ": " << rich << " could give to " << poor;
      }
    }
  }
}

TEST(AllocatePropertiesTest, NothingIsLeftWhileSomebodyWants) {
  std::mt19937_64 random(3);
  for (int n = 0; n < kCases; ++n) {
    const Problem problem = RandomProblem(random, {.tiers = 2});
    const Allocation got = Allocate(problem);

    double wanted = 0;
    for (const Item& item : problem.items) wanted += Hi(item);
    ASSERT_NEAR(got.objective, std::min(wanted, problem.capacity), Tolerance(problem))
        << "case " << n;
    ASSERT_EQ(got.shadow_price, wanted > problem.capacity ? 1 : 0) << "case " << n;
  }
}

TEST(AllocatePropertiesTest, MoreCapacityTakesNothingFromAnybody) {
  std::mt19937_64 random(4);
  for (int n = 0; n < kCases; ++n) {
    Problem problem = RandomProblem(random, {.tiers = 2});
    const Allocation before = Allocate(problem);
    problem.capacity *= 1.1;
    const Allocation after = Allocate(problem);

    for (std::size_t i = 0; i < problem.items.size(); ++i)
      ASSERT_GE(after.amounts[i], before.amounts[i] - Tolerance(problem)) << "case " << n;
  }
}

TEST(AllocatePropertiesTest, AskingForMoreNeverGivesLess) {
  std::mt19937_64 random(5);
  for (int n = 0; n < kCases; ++n) {
    Problem problem = RandomProblem(random);
    problem.items[0].guarantee = 0;  // a guarantee grows with the demand and may not fit
    const Allocation before = Allocate(problem);
    problem.items[0].demand *= 1.5;
    const Allocation after = Allocate(problem);

    ASSERT_GE(after.amounts[0], before.amounts[0] - Tolerance(problem)) << "case " << n;
  }
}

TEST(AllocatePropertiesTest, ScalingEveryAmountScalesTheAnswer) {
  std::mt19937_64 random(6);
  for (int n = 0; n < kCases; ++n) {
    const Problem problem = RandomProblem(random, {.tiers = 2});
    Problem scaled = problem;
    scaled.capacity *= 4096;
    for (Item& item : scaled.items) {
      item.demand *= 4096;
      item.guarantee *= 4096;
      item.ceiling *= 4096;
    }
    const Allocation one = Allocate(problem);
    const Allocation other = Allocate(scaled);

    // A power of two scales doubles exactly.
    for (std::size_t i = 0; i < problem.items.size(); ++i)
      ASSERT_DOUBLE_EQ(other.amounts[i], 4096 * one.amounts[i]) << "case " << n;
  }
}

TEST(AllocatePropertiesTest, ScalingEveryWeightChangesNothing) {
  std::mt19937_64 random(7);
  for (int n = 0; n < kCases; ++n) {
    const Problem problem = RandomProblem(random);
    Problem heavier = problem;
    for (Item& item : heavier.items) item.weight *= 64;
    const Allocation one = Allocate(problem);
    const Allocation other = Allocate(heavier);

    for (std::size_t i = 0; i < problem.items.size(); ++i)
      ASSERT_DOUBLE_EQ(other.amounts[i], one.amounts[i]) << "case " << n;
  }
}

TEST(AllocatePropertiesTest, TheOrderOfWorkloadsDoesNotMatter) {
  std::mt19937_64 random(8);
  for (int n = 0; n < kCases; ++n) {
    const Problem problem = RandomProblem(random, {.tiers = 2});
    Problem reversed = problem;
    std::reverse(reversed.items.begin(), reversed.items.end());
    const Allocation one = Allocate(problem);
    Allocation other = Allocate(reversed);
    std::reverse(other.amounts.begin(), other.amounts.end());

    for (std::size_t i = 0; i < problem.items.size(); ++i)
      ASSERT_NEAR(other.amounts[i], one.amounts[i], Tolerance(problem)) << "case " << n;
  }
}

}  // namespace
}  // namespace ballast::allocate

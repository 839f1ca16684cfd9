// What host.h promises of coupled resources, on thousands of random hosts.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "autoscaler/allocate/host.h"
#include "tests/unit/autoscaler/allocate/random_host.h"

namespace ballast::allocate {
namespace {

using test::RandomHost;

constexpr int kCases = 3000;
constexpr double kEps = 1e-9;

std::size_t WorkloadsOf(const HostProblem& host) {
  return host.resources.front().problem.items.size();
}

double UsedOf(const HostAllocation& got, std::size_t r) {
  double sum = 0;
  for (const double amount : got.resources[r].amounts) sum += amount;
  return sum;
}

bool IsFull(const HostProblem& host, const HostAllocation& got, std::size_t r) {
  return UsedOf(got, r) >= host.resources[r].problem.capacity * (1 - kEps);
}

// How far workload i gets with the amounts of j: 1 is all that it asks for.
double UtilityOf(const HostProblem& truth, std::size_t i, const HostAllocation& got,
                 std::size_t j) {
  double utility = 1;
  for (std::size_t r = 0; r < truth.resources.size(); ++r)
    if (const double demand = truth.resources[r].problem.items[i].demand; demand > 0)
      utility = std::min(utility, got.resources[r].amounts[j] / demand);
  return utility;
}

TEST(HostPropertiesTest, CapacitiesGuaranteesAndCeilingsHold) {
  std::mt19937_64 random(31);
  for (int n = 0; n < kCases; ++n) {
    const HostProblem host = RandomHost(random, {.tiers = 3});
    const HostAllocation got = Allocate(host);

    ASSERT_EQ(got.status, Status::kOptimal) << "case " << n << ": " << got.explanation;
    for (std::size_t r = 0; r < host.resources.size(); ++r) {
      const Problem& problem = host.resources[r].problem;
      ASSERT_LE(UsedOf(got, r), problem.capacity * (1 + kEps)) << "case " << n;
      for (std::size_t i = 0; i < problem.items.size(); ++i) {
        const Item& item = problem.items[i];
        const double amount = got.resources[r].amounts[i];
        ASSERT_LE(amount, std::min(item.demand, item.ceiling)) << "case " << n;
        ASSERT_GE(amount, item.demand * got.progress[i].x * (1 - kEps)) << "case " << n;
        // As much of the guarantee as goes with the ceilings of the other resources.
        double most = 1;
        for (const Resource& other : host.resources)
          if (const Item& its = other.problem.items[i]; its.demand > 0)
            most = std::min(most, its.ceiling / its.demand);
        ASSERT_GE(amount, std::min(item.guarantee, item.demand * most) * (1 - kEps))
            << "case " << n;
      }
    }
  }
}

// Pareto efficiency, and the condition that makes it max-min: whoever is held back is so by a full
// resource of which nobody of its tier or a lower one has more per weight, guarantees apart.
TEST(HostPropertiesTest, WhoIsHeldBackHasABottleneckThatNobodyUsesMoreOf) {
  std::mt19937_64 random(32);
  int held_back = 0;
  for (int n = 0; n < kCases; ++n) {
    const HostProblem host = RandomHost(random, {.tiers = 2});
    const HostAllocation got = Allocate(host);

    for (std::size_t i = 0; i < WorkloadsOf(host); ++i) {
      bool may_rise = got.progress[i].x < 1 - kEps;
      bool has_bottleneck = false;
      for (std::size_t r = 0; r < host.resources.size(); ++r) {
        const auto& items = host.resources[r].problem.items;
        if (items[i].demand <= 0) continue;
        const double amount = got.resources[r].amounts[i];
        if (amount >= items[i].ceiling * (1 - kEps)) may_rise = false;
        const bool covered = amount > items[i].demand * got.progress[i].x * (1 + kEps);
        if (covered || !IsFull(host, got, r)) continue;
        bool is_bottleneck = true;
        for (std::size_t j = 0; j < items.size(); ++j) {
          const double lifted = std::min(items[j].guarantee, items[j].demand);
          const bool gives =
              items[j].priority <= items[i].priority &&
              got.resources[r].amounts[j] > lifted + kEps * host.resources[r].problem.capacity;
          if (!gives) continue;
          const bool has_more =
              items[j].priority < items[i].priority ||
              got.progress[j].dominant_share > got.progress[i].dominant_share * (1 + 1e-7);
          if (has_more) is_bottleneck = false;
        }
        has_bottleneck = has_bottleneck || is_bottleneck;
      }
      held_back += may_rise ? 1 : 0;
      ASSERT_TRUE(!may_rise || has_bottleneck) << "case " << n << ", workload " << i;
    }
  }
  EXPECT_GT(held_back, kCases);
}

TEST(HostPropertiesTest, NobodyGetsLessThanOfAnEqualSplit) {
  std::mt19937_64 random(33);
  for (int n = 0; n < kCases; ++n) {
    const HostProblem host = RandomHost(random, {.rights = false, .equal_weights = true});
    const HostAllocation got = Allocate(host);

    const auto count = static_cast<double>(WorkloadsOf(host));
    for (std::size_t i = 0; i < WorkloadsOf(host); ++i) {
      double alone = 1;
      for (const Resource& resource : host.resources)
        if (const double demand = resource.problem.items[i].demand; demand > 0)
          alone = std::min(alone, resource.problem.capacity / count / demand);
      ASSERT_GE(got.progress[i].x, alone * (1 - kEps)) << "case " << n;
    }
  }
}

TEST(HostPropertiesTest, NobodyEnviesAnother) {
  std::mt19937_64 random(34);
  for (int n = 0; n < kCases; ++n) {
    const HostProblem host = RandomHost(random, {.rights = false, .equal_weights = true});
    const HostAllocation got = Allocate(host);

    for (std::size_t i = 0; i < WorkloadsOf(host); ++i)
      for (std::size_t j = 0; j < WorkloadsOf(host); ++j)
        ASSERT_GE(UtilityOf(host, i, got, i), UtilityOf(host, i, got, j) * (1 - kEps))
            << "case " << n;
  }
}

TEST(HostPropertiesTest, NobodyGainsByAskingForSomethingElse) {
  std::mt19937_64 random(35);
  int tried = 0;
  for (int n = 0; n < kCases; ++n) {
    const HostProblem truth = RandomHost(random, {.rights = false});
    const double honest = UtilityOf(truth, 0, Allocate(truth), 0);
    if (honest >= 1) continue;
    for (int lie = 0; lie < 5; ++lie, ++tried) {
      HostProblem told = truth;
      for (Resource& resource : told.resources)
        resource.problem.items[0].demand *= std::uniform_real_distribution<double>(0.1, 4)(random);

      ASSERT_LE(UtilityOf(truth, 0, Allocate(told), 0), honest * (1 + kEps)) << "case " << n;
    }
  }
  EXPECT_GT(tried, kCases);
}

TEST(HostPropertiesTest, OneResourceCoupledIsThatResourceAlone) {
  std::mt19937_64 random(36);
  for (int n = 0; n < kCases; ++n) {
    const HostProblem host = RandomHost(random, {.most_resources = 1, .tiers = 3});
    const Problem& problem = host.resources[0].problem;
    const HostAllocation coupled = Allocate(host);
    const Allocation alone = Allocate(problem);

    for (std::size_t i = 0; i < problem.items.size(); ++i)
      ASSERT_NEAR(coupled.resources[0].amounts[i], alone.amounts[i], kEps * problem.capacity)
          << "case " << n;
  }
}

TEST(HostPropertiesTest, TheUnitOfAResourceDoesNotMatter) {
  std::mt19937_64 random(37);
  for (int n = 0; n < kCases; ++n) {
    const HostProblem host = RandomHost(random, {.tiers = 2});
    HostProblem scaled = host;
    Problem& problem = scaled.resources.back().problem;
    problem.capacity *= 1024;
    for (Item& item : problem.items) {
      item.demand *= 1024;
      item.guarantee *= 1024;
      item.ceiling *= 1024;
    }
    const HostAllocation one = Allocate(host);
    const HostAllocation other = Allocate(scaled);

    for (std::size_t i = 0; i < WorkloadsOf(host); ++i)
      ASSERT_DOUBLE_EQ(one.progress[i].x, other.progress[i].x) << "case " << n;
  }
}

}  // namespace
}  // namespace ballast::allocate

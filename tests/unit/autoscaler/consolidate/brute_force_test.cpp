// Solve() against every placement there is, judged by the checker alone.
// BALLAST_BRUTE_FORCE_CASES=100000 makes it the long run; the default is short.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "autoscaler/consolidate/checker.h"
#include "autoscaler/consolidate/random.h"
#include "autoscaler/consolidate/solve.h"

namespace ballast::consolidate {
namespace {

// Up to 5 VMs and 4 hosts, tight, with every kind of constraint now and then.
Problem RandomProblem(Random& random) {
  Problem problem;
  const int resources = 1 + random.Below(3);
  for (int k = 0; k < resources; ++k) problem.resources.push_back(fmt::format("r{}", k));
  const int hosts = 1 + random.Below(4), vms = random.Below(6);
  const int types = 1 + random.Below(3);
  for (int j = 0; j < hosts; ++j) {
    Random type(static_cast<std::uint64_t>(random.Below(types)) + 77);
    Host host;
    host.name = fmt::format("h{}", j);
    for (int k = 0; k < resources; ++k) host.capacity.push_back(6 + type.Below(8));
    host.cost = random.Below(3) == 0 ? kCostScale : (1 + type.Below(4)) * 500'000;
    host.must_stay_on = random.Below(10) == 0;
    problem.hosts.push_back(host);
  }
  for (int i = 0; i < vms; ++i) {
    Vm vm;
    vm.name = fmt::format("v{}", i);
    for (int k = 0; k < resources; ++k) vm.demand.push_back(random.Below(8));
    if (random.Below(2) == 0) vm.current = random.Below(hosts);
    vm.migration_bytes = vm.demand.back();
    if (random.Below(8) == 0) vm.allowed = {random.Below(hosts)};
    if (random.Below(8) == 0) vm.forbidden = {random.Below(hosts)};
    problem.vms.push_back(vm);
  }
  if (vms >= 2 && random.Below(3) == 0) {
    AntiAffinity set;
    for (int i = 0; i < vms; ++i)
      if (random.Below(2) == 0) set.vms.push_back(i);
    set.at_most = 1 + random.Below(2);
    problem.anti_affinity.push_back(set);
  }
  if (random.Below(5) == 0) problem.max_moves = random.Below(4);
  if (random.Below(5) == 0) problem.max_migrated_bytes = random.Below(12);
  return problem;
}

std::optional<Cost> CheapestByTrying(const Problem& problem) {
  std::optional<Cost> cheapest;
  Placement placement(problem.vms.size(), 0);
  for (;;) {
    if (const auto audit = CheckPlacement(problem, placement))
      cheapest = std::min(cheapest.value_or(audit->cost), audit->cost);
    std::size_t digit = 0;
    while (digit < placement.size() && ++placement[digit] == static_cast<int>(problem.hosts.size()))
      placement[digit++] = 0;
    if (digit == placement.size()) return cheapest;
  }
}

TEST(BruteForceTest, FeasibilityAndOptimumAgree) {
  const char* wanted = std::getenv("BALLAST_BRUTE_FORCE_CASES");
  const int cases = wanted != nullptr ? std::atoi(wanted) : 2000;
  Random random(1234);
  int feasible = 0, infeasible = 0;
  for (int n = 0; n < cases; ++n) {
    const Problem problem = RandomProblem(random);
    if (!CheckProblem(problem)) continue;  // contradictory pins: refused, tested elsewhere
    const std::optional<Cost> cheapest = CheapestByTrying(problem);

    const Solution solution = Solve(problem);

    ASSERT_EQ(solution.status, cheapest ? Status::kOptimal : Status::kInfeasible) << "case " << n;
    if (!cheapest) {
      ++infeasible;
      ASSERT_FALSE(solution.reason.empty());
      continue;
    }
    ++feasible;
    ASSERT_EQ(solution.cost, *cheapest) << "case " << n;
    ASSERT_EQ(solution.lower_bound, *cheapest);
    ASSERT_TRUE(CheckPlacement(problem, solution.placement));
  }
  EXPECT_GT(feasible, cases / 4);
  EXPECT_GT(infeasible, cases / 20);
}

// The VMs named as culprits cannot be placed; without any one of them they can.
TEST(BruteForceTest, CulpritsAreASmallestSet) {
  Random random(99);
  int named = 0;
  for (int n = 0; n < 600; ++n) {
    Problem problem = RandomProblem(random);
    problem.max_moves.reset();
    problem.max_migrated_bytes.reset();
    problem.anti_affinity.clear();
    if (!CheckProblem(problem)) continue;
    const Solution solution = Solve(problem);
    if (solution.culprits.empty()) continue;
    ++named;
    for (std::size_t without = 0; without <= solution.culprits.size(); ++without) {
      Problem part = problem;
      part.vms.clear();
      for (std::size_t c = 0; c < solution.culprits.size(); ++c)
        if (c != without)
          part.vms.push_back(problem.vms[static_cast<std::size_t>(solution.culprits[c])]);
      const bool placeable = CheapestByTrying(part).has_value();
      ASSERT_EQ(placeable, without < solution.culprits.size()) << "case " << n;
    }
  }
  EXPECT_GT(named, 30);
}

}  // namespace
}  // namespace ballast::consolidate

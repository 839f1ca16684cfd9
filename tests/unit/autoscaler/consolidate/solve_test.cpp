#include "autoscaler/consolidate/solve.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "autoscaler/consolidate/checker.h"
#include "autoscaler/consolidate/construct.h"
#include "tests/support/consolidation_instances.h"

namespace ballast::consolidate {
namespace {

RunTasks OnThreads(int threads) {
  return [threads](int tasks, const std::function<void(int)>& task) {
    std::atomic<int> next = 0;
    std::vector<std::jthread> helpers;
    for (int i = 0; i < threads; ++i)
      helpers.emplace_back([&] {
        for (int n; (n = next.fetch_add(1)) < tasks;) task(n);
      });
  };
}

bool Same(const Solution& a, const Solution& b) {
  return a.placement == b.placement && a.lower_bound == b.lower_bound &&
         a.work_units == b.work_units && a.stop_reason == b.stop_reason &&
         a.bound_method == b.bound_method;
}

TEST(SolveTest, ThreadsNeverChangeTheAnswer) {
  // Two hundred hosts: several lanes.
  const Problem problem = test::MakePlanted({.hosts = 200, .vms_per_host = 5}).problem;
  SolveOptions options{.seed = 5, .work_limit = 15'000'000};
  const Solution alone = Solve(problem, options);
  options.run_tasks = OnThreads(3);

  EXPECT_TRUE(Same(Solve(problem, options), alone));
}

TEST(SolveTest, SameWorkLimitSameAnswer) {
  const Problem problem = test::MakeFleet({.vms = 600, .shapes = 30, .types = 4});
  const SolveOptions options{.work_limit = 4'000'000};

  EXPECT_TRUE(Same(Solve(problem, options), Solve(problem, options)));
}

TEST(SolveTest, StopGivesTheBestSoFarWithItsGap) {
  const Problem problem = test::MakePlanted({.hosts = 100, .vms_per_host = 10}).problem;
  std::atomic<int> asked = 0;
  SolveOptions options;
  options.should_stop = [&] { return ++asked > 20; };
  const Solution solution = Solve(problem, options);

  EXPECT_EQ(solution.status, Status::kFeasible);
  EXPECT_EQ(solution.stop_reason, "stopped");
  EXPECT_LT(Gap(solution), 0.05);
  EXPECT_TRUE(CheckPlacement(problem, solution.placement));
}

TEST(SolveTest, PlantedOptimumIsNearlyMet) {
  const test::Planted planted = test::MakePlanted({.hosts = 150, .vms_per_host = 10});
  const Solution solution = Solve(planted.problem, {.work_limit = 20'000'000});

  EXPECT_GE(solution.cost, planted.optimum);
  EXPECT_EQ(solution.lower_bound, planted.optimum);
  EXPECT_LT(Gap(solution), 0.02);
}

TEST(SolveTest, PerfectFillsProveSmallPlantedInstances) {
  const test::Planted planted = test::MakePlanted({.hosts = 12, .vms_per_host = 5, .types = 1});
  const Solution solution = Solve(planted.problem);

  EXPECT_EQ(solution.status, Status::kOptimal);
  EXPECT_EQ(solution.cost, planted.optimum);
}

TEST(SolveTest, NeverWorseThanTheGreedyFamily) {
  for (int seed = 1; seed <= 12; ++seed) {
    const Problem problem = test::MakeUniform({.vms = 60,
                                               .resources = 1 + seed % 3,
                                               .low = 0.02,
                                               .high = 0.7,
                                               .correlation = (seed % 3 - 1) * 0.8,
                                               .seed = static_cast<std::uint64_t>(seed)});
    const Instance in = MakeInstance(problem);
    const std::vector<double> weights = ResourceWeights(in, ComputeVolumeBound(in));
    WorkMeter work;
    Cost greedy = FirstFitDecreasing(in, weights, work).cost();
    TryGreedyFamily(in, weights, work, [&](const Packing& packing) {
      if (packing.unplaced_count() == 0) greedy = std::min(greedy, packing.cost());
    });

    EXPECT_LE(Solve(problem, {.work_limit = 3'000'000}).cost, greedy) << "seed " << seed;
  }
}

TEST(SolveTest, CurrentPlacementThatIsOptimalStays) {
  Problem problem = test::MakeUniform({.vms = 40, .low = 0.1, .high = 0.4});
  const Solution first = Solve(problem, {.work_limit = 5'000'000});
  for (std::size_t i = 0; i < problem.vms.size(); ++i) problem.vms[i].current = first.placement[i];
  const Solution again = Solve(problem, {.work_limit = 5'000'000});

  EXPECT_EQ(again.moves, 0);
  EXPECT_EQ(again.cost, first.cost);
}

TEST(SolveTest, OverloadIsRepairedWithinTheBudget) {
  Problem problem = test::MakeUniform({.vms = 30, .resources = 1, .low = 0.2, .high = 0.2});
  for (auto& vm : problem.vms) vm.current = 0;  // thirty on one host of five
  problem.max_moves = 25;
  const Solution solution = Solve(problem, {.work_limit = 2'000'000});

  ASSERT_FALSE(solution.placement.empty());
  EXPECT_EQ(solution.moves, 25);
  EXPECT_EQ(solution.hosts_used, 6);
}

TEST(SolveTest, VmLargerThanEveryHostIsNamed) {
  Problem problem = test::MakeUniform({.vms = 5});
  problem.vms[3].demand[1] = 2'000'000;
  const Solution solution = Solve(problem);

  EXPECT_EQ(solution.status, Status::kInfeasible);
  EXPECT_EQ(solution.culprits, std::vector<int>{3});
  EXPECT_NE(solution.reason.find("vm3"), std::string::npos);
}

TEST(SolveTest, NoVmsCostNothing) {
  Problem problem = test::MakeUniform({.vms = 3});
  problem.vms.clear();
  const Solution solution = Solve(problem);

  EXPECT_EQ(solution.status, Status::kOptimal);
  EXPECT_EQ(solution.cost, 0);
}

}  // namespace
}  // namespace ballast::consolidate

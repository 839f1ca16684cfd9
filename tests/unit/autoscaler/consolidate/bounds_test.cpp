#include "autoscaler/consolidate/bounds.h"

#include <gtest/gtest.h>

#include <numeric>

#include "autoscaler/consolidate/column_generation.h"
#include "autoscaler/consolidate/exhaustive.h"
#include "tests/support/consolidation_instances.h"

namespace ballast::consolidate {
namespace {

TEST(VolumeBoundTest, PlantedOptimumIsMetExactly) {
  const test::Planted planted = test::MakePlanted({.hosts = 40, .vms_per_host = 6});
  const Instance in = MakeInstance(planted.problem);

  EXPECT_EQ(RoundUpToCost(in, ComputeVolumeBound(in).value), planted.optimum);
}

TEST(VolumeBoundTest, TooLittleOfOneResourceIsInfeasible) {
  Problem problem = test::MakeUniform({.vms = 5, .resources = 2, .low = 0.5, .high = 0.9});
  problem.hosts.resize(1);

  const VolumeBound bound = ComputeVolumeBound(MakeInstance(problem));

  EXPECT_TRUE(bound.infeasible);
}

TEST(DualFeasibleBoundTest, CountsLargeVmsWhereVolumeDoesNot) {
  // Six VMs of 0.51: one a host, but a volume of 3.06 hosts.
  Problem problem = test::MakeUniform({.vms = 6, .resources = 1, .low = 0.51, .high = 0.51});
  const Instance in = MakeInstance(problem);
  const VolumeBound volume = ComputeVolumeBound(in);

  EXPECT_EQ(RoundUpToCost(in, volume.value), 4 * kCostScale);
  EXPECT_EQ(RoundUpToCost(in, ComputeDualFeasibleBound(in, volume)), 6 * kCostScale);
}

TEST(RoundUpToCostTest, RoundingErrorsDoNotRaiseTheBound) {
  const Instance in = MakeInstance(test::MakeUniform({.vms = 3}));

  EXPECT_EQ(RoundUpToCost(in, 2.0 * kCostScale + 0.1), 2 * kCostScale);
  EXPECT_EQ(RoundUpToCost(in, 2.001 * kCostScale), 3 * kCostScale);
}

// Several host types, small and large VMs: no bound may pass the optimum, at any
// iteration of the column generation.
TEST(BoundsTest, NoBoundPassesTheOptimum) {
  Random random(23);
  int tight = 0;
  for (int trial = 0; trial < 150; ++trial) {
    Problem problem = test::MakeUniform({.vms = 5 + random.Below(4),
                                         .resources = 1 + random.Below(3),
                                         .low = 0.05,
                                         .high = 0.3 + 0.6 * random.Unit(),
                                         .capacity = 100,
                                         .seed = random.Next()});
    for (Host& host : problem.hosts) {
      const int type = random.Below(3);
      for (Amount& amount : host.capacity) amount = amount * (2 + type) / 2;
      host.cost = kCostScale * (2 + type) + random.Below(2) * 500'000;
    }
    const Instance in = MakeInstance(problem);
    std::vector<int> all(problem.vms.size());
    std::iota(all.begin(), all.end(), 0);
    WorkMeter work;
    const auto exact = SearchExhaustively(in, all, false, 10'000'000, work);
    ASSERT_TRUE(exact.complete);
    ASSERT_TRUE(exact.best);
    const Cost optimum = MakePacking(in, *exact.best).cost();
    const VolumeBound volume = ComputeVolumeBound(in);

    EXPECT_LE(RoundUpToCost(in, volume.value), optimum);
    EXPECT_LE(RoundUpToCost(in, ComputeDualFeasibleBound(in, volume)), optimum);
    ColumnGeneration columns(in);
    for (int iteration = 0; iteration < 200; ++iteration) {
      const auto outcome = columns.Solve({.iterations = 1}, work);
      ASSERT_LE(RoundUpToCost(in, outcome.bound), optimum) << "trial " << trial;
      if (!outcome.converged) continue;
      tight += RoundUpToCost(in, outcome.bound) == optimum;
      break;
    }
  }
  EXPECT_GT(tight, 60) << "the LP is known to be tight on most small instances";
}

}  // namespace
}  // namespace ballast::consolidate

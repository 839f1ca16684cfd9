#include "autoscaler/consolidate/repair.h"

#include <gtest/gtest.h>

#include "tests/support/consolidation_instances.h"

namespace ballast::consolidate {
namespace {

// Ten hosts of 10, ten VMs of 4 and ten of 6: placed in pairs of 4 on five
// hosts, five of the 6 have no host until pairs are split.
TEST(PlaceByEjectionTest, ChainsUndoABadStart) {
  Problem problem =
      test::MakeUniform({.vms = 20, .resources = 1, .low = 0.4, .high = 0.4, .capacity = 10});
  for (std::size_t i = 10; i < 20; ++i) problem.vms[i].demand = {6};
  problem.hosts.resize(10);
  const Instance in = MakeInstance(problem);
  Packing packing(in);
  for (int vm = 0; vm < 10; ++vm) packing.Place(vm, vm / 2);
  for (int vm = 10; vm < 15; ++vm) packing.Place(vm, vm - 5);
  ASSERT_EQ(packing.unplaced_count(), 5);
  Random random(1);
  WorkMeter work;
  const std::vector<double> sizes = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6};

  EXPECT_TRUE(PlaceByEjection(packing, sizes, 1000, random, work));
  EXPECT_EQ(packing.unplaced_count(), 0);
}

TEST(PlaceByEjectionTest, ImpossibleEndsAfterItsSteps) {
  Problem problem = test::MakeUniform({.vms = 3, .resources = 1, .low = 0.6, .high = 0.6});
  problem.hosts.resize(2);
  const Instance in = MakeInstance(problem);
  Packing packing(in);
  Random random(1);
  WorkMeter work;

  EXPECT_FALSE(PlaceByEjection(packing, {1, 1, 1}, 100, random, work));
  EXPECT_EQ(packing.unplaced_count(), 1);
}

}  // namespace
}  // namespace ballast::consolidate

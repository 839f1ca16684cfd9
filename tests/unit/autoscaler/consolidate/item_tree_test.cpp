#include "autoscaler/consolidate/item_tree.h"

#include <gtest/gtest.h>

#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/small_pool.h"
#include "tests/support/consolidation_instances.h"

namespace ballast::consolidate {
namespace {

// Both pools must answer as a plain scan does, also while VMs come and go.
TEST(ItemTreeTest, AgreesWithAScanWhileVmsComeAndGo) {
  const Problem problem =
      test::MakeUniform({.vms = 300, .resources = 3, .low = 0.05, .high = 0.6, .seed = 3});
  const Instance in = MakeInstance(problem);
  const std::vector<double> weights = {1e-6, 2e-6, 0.5e-6};
  const std::vector<double> sizes = WeightedSizes(in, weights);
  std::vector<int> all(300);
  for (int i = 0; i < 300; ++i) all[static_cast<std::size_t>(i)] = i;
  ItemTree tree(in, all, weights);
  SmallPool small(in, sizes);
  small.Reset(all);
  std::vector<char> alive(300, 1);
  Packing packing(in);
  Random random(5);
  WorkMeter work;
  packing.Place(0, 0);
  tree.Erase(0), small.Erase(0), alive[0] = 0;
  for (int step = 0; step < 2000; ++step) {
    const int vm = 1 + random.Below(299);
    alive[static_cast<std::size_t>(vm)] ^= 1;
    if (alive[static_cast<std::size_t>(vm)] != 0)
      tree.Insert(vm), small.Insert(vm);
    else
      tree.Erase(vm), small.Erase(vm);
    const double above = random.Unit() * 2;
    double best = above;
    for (int i = 0; i < 300; ++i)
      if (alive[static_cast<std::size_t>(i)] != 0 && packing.Fits(i, 0))
        best = std::max(best, sizes[static_cast<std::size_t>(i)]);

    const int found = tree.FindLargest(packing, 0, above, work);
    const int scanned = small.FindLargest(packing, 0, above, work);

    ASSERT_EQ(found < 0, best == above);
    ASSERT_EQ(scanned < 0, best == above);
    if (found >= 0) {
      ASSERT_DOUBLE_EQ(sizes[static_cast<std::size_t>(found)], best);
      ASSERT_DOUBLE_EQ(sizes[static_cast<std::size_t>(scanned)], best);
    }
  }
}

}  // namespace
}  // namespace ballast::consolidate

#include "autoscaler/consolidate/pricer.h"

#include <gtest/gtest.h>

#include "tests/support/consolidation_instances.h"

namespace ballast::consolidate {
namespace {

// The most value of a subset, by trying all.
double BestByTrying(const Instance& in, const std::vector<double>& value, std::size_t shape,
                    std::vector<Amount> room) {
  if (shape == in.shapes.size()) return 0;
  double best = BestByTrying(in, value, shape + 1, room);
  double here = 0;
  for (std::size_t copy = 0; copy < in.shapes[shape].vms.size(); ++copy) {
    here += value[shape];
    for (std::size_t k = 0; k < room.size(); ++k)
      if ((room[k] -= in.shapes[shape].demand[k]) < 0) return best;
    best = std::max(best, here + BestByTrying(in, value, shape + 1, room));
  }
  return best;
}

struct Searched {
  const char* name;
  std::int64_t nodes;
};

class PricerTest : public testing::TestWithParam<Searched> {};

// With few nodes the bound must hold and the column be valid; with many the
// value must be the best.
TEST_P(PricerTest, NeverClaimsLessThanTheBest) {
  Random random(11);
  for (int trial = 0; trial < 150; ++trial) {
    const Problem problem = test::MakeUniform({.vms = 12,
                                               .resources = 1 + random.Below(3),
                                               .low = 0.05,
                                               .high = 0.5,
                                               .capacity = 40,
                                               .seed = random.Next()});
    const Instance in = MakeInstance(problem);
    Pricer pricer(in);
    std::vector<double> value;
    std::vector<int> left;
    for (const Shape& shape : in.shapes) {
      value.push_back(random.Unit());
      left.push_back(static_cast<int>(shape.vms.size()));
    }
    const double best = BestByTrying(in, value, 0, in.types[0].capacity);
    WorkMeter work;

    const Priced priced = pricer.Price(0, value, left, 0, {GetParam().nodes, 0}, work);

    ASSERT_GE(priced.upper_bound, best - 1e-6) << "trial " << trial;
    ASSERT_LE(priced.value, best + 1e-6);
    if (GetParam().nodes > 1'000) {
      ASSERT_NEAR(priced.value, best, 1e-6) << "trial " << trial;
    }
    for (const Column& column : priced.columns) {
      std::vector<Amount> room = in.types[0].capacity;
      for (const auto& [shape, count] : column.counts)
        for (std::size_t k = 0; k < room.size(); ++k)
          ASSERT_GE(room[k] -= in.shapes[static_cast<std::size_t>(shape)].demand[k] * count, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, PricerTest,
                         testing::Values(Searched{"OneNode", 1}, Searched{"FewNodes", 20},
                                         Searched{"Enough", 100'000}),
                         [](const auto& row) { return row.param.name; });

// Forty VMs a host: depth first cannot finish within the limit, labels do.
TEST(PricerTest, LabelsProveWhatDepthFirstCannot) {
  Random random(2);
  Problem problem;
  problem.resources = {"cpu", "memory"};
  problem.hosts.push_back({"h", {64'000, 256}, kCostScale, false});
  for (int i = 0; i < 400; ++i) {
    Vm vm;
    vm.name = fmt::format("v{}", i);
    vm.demand = {1000 * (1 + random.Below(3)), 1 + random.Below(12)};
    problem.vms.push_back(vm);
  }
  const Instance in = MakeInstance(problem);
  Pricer pricer(in);
  std::vector<double> value;
  std::vector<int> left;
  for (const Shape& shape : in.shapes) {
    value.push_back(static_cast<double>(shape.demand[0]) / 1000 +
                    0.21 * static_cast<double>(shape.demand[1]) + 0.3 * random.Unit());
    left.push_back(static_cast<int>(shape.vms.size()));
  }
  WorkMeter work;

  const Priced quick = pricer.Price(0, value, left, 0, {2'000, 0}, work);
  const Priced proven = pricer.Price(0, value, left, 0, {100'000, 0}, work);

  EXPECT_GT(quick.upper_bound, quick.value + 1e-6);
  EXPECT_LE(proven.upper_bound, proven.value + 1e-6);
}

}  // namespace
}  // namespace ballast::consolidate

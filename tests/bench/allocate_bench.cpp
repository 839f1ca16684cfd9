// Allocate() and WholeUnits() of one resource, in milliseconds.
// Budget it defends: 10,000 workloads re-solved in under 5 ms.

#include <benchmark/benchmark.h>

#include <random>

#include "autoscaler/allocate/allocate.h"
#include "autoscaler/allocate/whole_units.h"

namespace ballast::allocate {
namespace {

Problem ScarceHost(std::int64_t workloads) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int> millicores(0, 4000);
  Problem problem;
  for (std::int64_t i = 0; i < workloads; ++i) {
    const double demand = millicores(random);
    problem.items.push_back({.demand = demand,
                             .guarantee = i % 3 == 0 ? demand / 8 : 0,
                             .ceiling = i % 5 == 0 ? 2000 : kNoCeiling,
                             .weight = 1.0 + static_cast<double>(i % 7)});
    problem.capacity += demand / 2;
  }
  return problem;
}

void BM_AllocateAndRound(benchmark::State& state) {
  const Problem problem = ScarceHost(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(WholeUnits(problem, Allocate(problem)));
}
BENCHMARK(BM_AllocateAndRound)->Arg(100)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ballast::allocate

BENCHMARK_MAIN();

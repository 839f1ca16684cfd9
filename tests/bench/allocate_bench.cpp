// A re-solve of one host: CPU and memory of all workloads, with bindings, levels and prices,
// rounded to whole units next to what is applied. In milliseconds. Budget it defends: 10,000
// workloads re-solved in under 5 ms, separate and coupled.

#include <benchmark/benchmark.h>

#include <random>

#include "autoscaler/allocate/host.h"
#include "autoscaler/allocate/whole_units.h"

namespace ballast::allocate {
namespace {

// Both resources are scarce; coupled, CPU is full first and memory for those who use little CPU.
HostProblem ScarceHost(std::int64_t workloads, Coupling coupling) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int> millicores(0, 4000);
  std::uniform_int_distribution<std::int64_t> bytes(0, std::int64_t{4} << 30);
  HostProblem host{.resources = {{"cpu", {}}, {"memory", {}}}, .coupling = coupling};
  for (std::int64_t i = 0; i < workloads; ++i) {
    const auto add = [&](Problem& problem, double demand) {
      problem.items.push_back({.demand = demand,
                               .guarantee = i % 3 == 0 ? demand / 8 : 0,
                               .ceiling = i % 5 == 0 ? demand * 0.7 : kNoCeiling,
                               .weight = 1.0 + static_cast<double>(i % 7)});
      problem.capacity += demand / 2;
    };
    add(host.resources[0].problem, i % 4 == 1 ? 0 : millicores(random));
    add(host.resources[1].problem, static_cast<double>(bytes(random)));
  }
  return host;
}

void Resolve(benchmark::State& state, Coupling coupling) {
  const HostProblem host = ScarceHost(state.range(0), coupling);
  std::vector<std::vector<std::int64_t>> applied(host.resources.size());
  for (auto _ : state) {
    const HostAllocation solved = Allocate(host);
    for (std::size_t r = 0; r < host.resources.size(); ++r)
      applied[r] = WholeUnits(host.resources[r].problem, solved.resources[r], applied[r]);
    benchmark::DoNotOptimize(applied);
  }
}

void BM_Separate(benchmark::State& state) {
  Resolve(state, Coupling::kSeparate);
}
BENCHMARK(BM_Separate)->Arg(100)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_DominantShare(benchmark::State& state) {
  Resolve(state, Coupling::kDominantShare);
}
BENCHMARK(BM_DominantShare)->Arg(100)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ballast::allocate

BENCHMARK_MAIN();

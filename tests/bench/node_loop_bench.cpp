// One turn of the node loop without the kernel: an actuator that obeys at once.
// Budgets it defends: from a refusal's record to the decision well under 1 ms
// at 100 workloads; a tick of 1,000 workloads under 1 ms (1 % of a core at 10 Hz).

#include <benchmark/benchmark.h>

#include "autoscaler/control/node_loop.h"
#include "collector/base/log.h"
#include "tests/unit/autoscaler/control/host_script.h"

namespace ballast::control {
namespace {

struct Host {
  explicit Host(std::int64_t workloads) {
    SetLogLevel(LogLevel::kError);
    NodeOptions options;
    options.mode = Mode::kAuto;
    options.auto_prefixes = {"/agents"};
    options.defaults.min_cpu = 1;
    options.defaults.min_memory = 0;
    loop = std::make_unique<NodeLoop>(options, actuator, outbox);
    for (std::int64_t i = 0; i < workloads; ++i) {
      keys.push_back(script.Add("agent-" + std::to_string(i)));
      script.CpuLimit(keys.back(), 20);
      script.Uses(keys.back(), static_cast<std::uint64_t>(i % 20));
    }
    Feed(script.Key());
    for (int i = 0; i < 100; ++i) Feed(script.Tick());
  }
  void Feed(const model::Record& record) {
    actuator.now = record.header.at;
    loop->OnRecord(record, record.header.at);
    actuator.calls.clear();
  }

  test::HostScript script;
  test::ObedientActuator actuator;
  Outbox outbox;
  std::unique_ptr<NodeLoop> loop;
  std::vector<model::WorkloadKey> keys;
};

void BM_Refusal(benchmark::State& state) {
  Host host(state.range(0));
  std::size_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const model::Record record =
        host.script.Refused(host.keys[next++ % host.keys.size()], model::EventKind::kThrottleBegin);
    state.ResumeTiming();
    host.Feed(record);
  }
}
BENCHMARK(BM_Refusal)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

void BM_Tick(benchmark::State& state) {
  Host host(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const model::Record record = host.script.Tick();
    state.ResumeTiming();
    host.Feed(record);
  }
}
BENCHMARK(BM_Tick)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ballast::control

BENCHMARK_MAIN();

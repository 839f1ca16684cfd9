// How long six simulated minutes of 64 agents take, by policy. Budget it defends: an hour of 64
// agents through the live loop's own code in seconds.

#include <benchmark/benchmark.h>

#include "autoscaler/simulate/run.h"
#include "autoscaler/simulate/synthetic.h"
#include "collector/base/log.h"

namespace ballast::simulate {
namespace {

void Minutes(benchmark::State& state, const char* policy) {
  SetLogLevel(LogLevel::kError);
  const std::vector<Trace> traces = MakeSynthetic({});
  RunOptions options;
  options.policy = policy;
  options.seeds = 1;
  options.policy_options.hours = 0.1;
  Summary summary;
  for (auto _ : state) {
    auto one = Run(options, traces);
    if (!one) return state.SkipWithError(one.error().ToString().c_str());
    summary = *one;
  }
  state.counters["slack_percent"] = summary.slack.mean * 100;
  state.counters["violated_percent"] = summary.violated_share.mean * 100;
}
BENCHMARK_CAPTURE(Minutes, static_peak, "static-peak")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Minutes, vpa, "vpa")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Minutes, ballast, "ballast")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ballast::simulate

BENCHMARK_MAIN();

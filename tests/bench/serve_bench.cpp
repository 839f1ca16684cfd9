// What leaves the collector, and what it costs there. Budgets: a scrape of
// 1,000 workloads well under a tick (100 ms), and none of it on the tick's thread; a record
// at its reader in well under 0.2 ms. The page of 10,000 workloads: scrape_bench.cpp.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "collector/export/exposition.h"
#include "collector/export/page.h"
#include "collector/net/stream_client.h"
#include "collector/record/codec.h"
#include "collector/serve/record_stream.h"
#include "tests/bench/scrape_bench.h"
#include "tests/support/full_state.h"
#include "tests/support/synthetic_records.h"

namespace ballast {
namespace {

void MetricsPage(benchmark::State& run, exposition::Format format) {
  const model::State state = test::FullState(static_cast<int>(run.range(0)));
  exposition::Exposition exposition;
  std::size_t page_bytes = 0;
  for (auto _ : run) {
    const std::string page = WholePage(exposition.Take(state, format));
    page_bytes = page.size();
    benchmark::DoNotOptimize(page.data());
  }
  run.counters["page_bytes"] = static_cast<double>(page_bytes);
}
BENCHMARK_CAPTURE(MetricsPage, text, exposition::Format::kText)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(MetricsPage, open_metrics, exposition::Format::kOpenMetrics)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(MetricsPage, protobuf, exposition::Format::kProtobuf)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);

// From Publish() on one thread to the reader's callback on another.
void PublishToReader(benchmark::State& run) {
  const std::string path = "/tmp/ballast-bench-" + std::to_string(::getpid()) + ".sock";
  metrics::Registry registry;
  auto stream = serve::RecordStream::Start({.path = path}, 64 << 20, registry, {});
  if (!stream) return run.SkipWithError(stream.error().ToString().c_str());
  test::SyntheticHost host({.workloads = 100});
  const model::Record record = host.NextTick();
  const auto frame = std::make_shared<const std::string>(record::EncodeFrame(record));
  const auto shared = std::make_shared<const model::Record>(record);

  net::EventLoop loop;
  std::atomic<bool> is_up = false;
  std::atomic<std::size_t> got = 0;
  net::StreamClient client(loop, {.path = path},
                           {.on_up = [&] { is_up = true; },
                            .on_bytes =
                                [&](std::string_view bytes) {
                                  got += bytes.size();
                                  got.notify_one();
                                },
                            .on_down = {}});
  std::thread reader([&] { loop.Run(); });
  while (!is_up) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // accepted, too

  for (auto _ : run) {
    const std::size_t before = got;
    (*stream)->Publish({frame, shared});
    for (std::size_t now = got; now < before + frame->size(); now = got) got.wait(now);
  }
  loop.Stop();
  reader.join();
}
BENCHMARK(PublishToReader)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ballast

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return ballast::ScrapeBench();
}

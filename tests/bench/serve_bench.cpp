// What leaves the collector, and what it costs there. Budgets: a scrape of
// 1,000 workloads well under a tick (100 ms), on the HTTP thread alone; a record
// at its reader in well under 0.2 ms.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "collector/export/exposition.h"
#include "collector/net/stream_client.h"
#include "collector/record/codec.h"
#include "collector/serve/record_stream.h"
#include "tests/support/synthetic_records.h"

namespace ballast {
namespace {

// All that the table knows about a workload, as a busy host has it.
model::State FullState(int workloads) {
  test::SyntheticHost host({.workloads = workloads});
  model::Key key = host.state().ToKey();
  for (model::EntityRow& row : key.entities)
    for (const model::FieldInfo& info : model::AllFields()) {
      if (row.fields.Has(info.field) || info.type == model::FieldType::kText) continue;
      if (info.type == model::FieldType::kHistogram)
        row.fields.SetHistogram(info.field, {.counts = {1, 2, 3, 4, 5}, .sum_ns = 12345});
      else if (info.type != model::FieldType::kReal)
        row.fields.Set(info.field, 123'456'789);
    }
  model::State state;
  state.Apply({host.state().header(), key});
  return state;
}

void MetricsPage(benchmark::State& run) {
  const model::State state = FullState(static_cast<int>(run.range(0)));
  exposition::Exposition exposition;
  std::string page;
  for (auto _ : run) {
    page.clear();
    exposition.Write(state, page);
    benchmark::DoNotOptimize(page.data());
  }
  run.counters["page_bytes"] = static_cast<double>(page.size());
}
BENCHMARK(MetricsPage)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

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

BENCHMARK_MAIN();

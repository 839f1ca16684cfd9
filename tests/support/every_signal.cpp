// A collector without a kernel: serves a host on which every field of the record has a value, with
// counters that rise ten times a second. For tests of what reads /metrics: signals that this
// machine does not have are there all the same.
//
//   every_signal 127.0.0.1:9437 SOCKET [WORKLOADS]      ends on SIGTERM

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "collector/net/event_loop.h"
#include "collector/record/codec.h"
#include "collector/serve/server.h"
#include "tests/support/full_state.h"

namespace ballast {
namespace {

using model::EntityRef;
using model::EntityRow;
using model::Event;
using model::EventKind;
using model::Field;
using model::FieldType;

class Host {
 public:
  explicit Host(int workloads) : state_(test::FullState(workloads)), header_(state_.header()) {
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    header_.wall_offset = std::chrono::seconds(wall.tv_sec) - header_.at;
  }

  model::Record Key() { return Next(state_.ToKey()); }

  model::Record Tick() {
    header_.at += std::chrono::milliseconds(100);
    ++beats_;
    model::Tick tick;
    for (const auto& [ref, entity] : state_.entities()) tick.rows.push_back(Moved(ref, entity));
    return Next(std::move(tick));
  }

  model::Record Happening(EventKind kind) {
    Event event{kind, EntityRef{2}, {}, {}, {}};
    event.fields.SetText(Field::kOutcome, "applied");
    event.fields.SetText(Field::kOomCause, "own_limit");
    event.fields.SetText(Field::kProgram, "tool5");
    event.fields.Set(Field::kSpanId, beats_);
    event.fields.Set(Field::kDurationNs, 250'000'000);
    event.fields.Set(Field::kPreviousCpuMillicores, 500 + beats_ % 2 * 500);
    event.fields.Set(Field::kLimitCpuMillicores, 750);
    event.fields.SetReal(Field::kWaterLevelCpu, 1500.0);
    event.fields.SetReal(Field::kWaterLevelMemory, 1e9);
    event.fields.Set(Field::kCapacityCpuMillicores, 4000);
    event.fields.Set(Field::kCapacityMemoryBytes, 16ULL << 30);
    return Next(std::move(event));
  }

 private:
  EntityRow Moved(EntityRef ref, const model::Entity& entity) const {
    EntityRow row{ref, std::nullopt, std::nullopt, {}, {}};
    entity.fields.ForEachNumber([&](Field field, std::uint64_t value) {
      // A few percent of a core, a few pages: what busy workloads do in a tick.
      if (model::InfoOf(field).type == FieldType::kCounter)
        row.fields.Set(field, value + 1'000'000 + static_cast<std::uint64_t>(ref) % 7 * 1000);
    });
    for (auto [field, histogram] : entity.fields.histograms()) {
      histogram.counts[beats_ % 12 + 6] += 1;
      histogram.sum_ns += 500'000;
      row.fields.SetHistogram(field, histogram);
    }
    return row;
  }

  template <typename Body>
  model::Record Next(Body body) {
    ++header_.sequence;
    model::Record record{header_, std::move(body)};
    state_.Apply(record);
    return record;
  }

  model::State state_;
  model::RecordHeader header_;
  std::uint64_t beats_ = 0;
};

int Main(int argc, char** argv) {
  if (argc < 3) return 2;
  metrics::Registry registry;
  serve::ServerOptions options;
  options.http.listen = argv[1];
  options.stream.path = argv[2];
  options.version = "synthetic";
  auto server = serve::Server::Start(std::move(options), registry, {});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().ToString().c_str());
    return 2;
  }
  Host host(argc > 3 ? std::atoi(argv[3]) : 5);
  const auto publish = [&](const model::Record& record) {
    (*server)->Publish({std::make_shared<const std::string>(record::EncodeFrame(record)),
                        std::make_shared<const model::Record>(record)});
  };
  // What a collector and an autoscaler say about themselves, each once.
  for (std::size_t i = 0; i < metrics::kCatalogue.size(); ++i) {
    const auto metric = static_cast<metrics::Metric>(i);
    const std::string_view labels = metrics::SpecOf(metric).labels;
    const bool has_two = labels.find(',') != std::string_view::npos;
    const auto register_with = [&](auto get) {
      labels.empty() ? get({}) : has_two ? get({"some", "some"}) : get({"some"});
    };
    using Values = std::initializer_list<std::string_view>;
    if (metrics::SpecOf(metric).kind == metrics::Kind::kCounter)
      register_with([&](Values values) { registry.GetCounter(metric, values).Add(); });
    else if (metrics::SpecOf(metric).kind == metrics::Kind::kGauge)
      register_with([&](Values values) { registry.GetGauge(metric, values).Set(1); });
    else
      registry.GetHistogram(metric).Observe(0.001);
  }
  publish(host.Key());
  net::EventLoop loop;
  const auto tick = loop.Every(std::chrono::milliseconds(100), [&] {
    registry.GetCounter(metrics::Metric::kRecords, {"tick"}).Add();
    publish(host.Tick());
  });
  const auto events = loop.Every(std::chrono::milliseconds(500), [&] {
    for (const EventKind kind :
         {EventKind::kDecision, EventKind::kActuation, EventKind::kOomKill, EventKind::kToolCall})
      publish(host.Happening(kind));
  });
  const auto stop = loop.OnSignals({SIGINT, SIGTERM}, [&](int) { loop.Stop(); });
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace ballast

int main(int argc, char** argv) {
  return ballast::Main(argc, argv);
}

#include "collector/serve/rate_window.h"

#include <gtest/gtest.h>

namespace ballast::serve {
namespace {

using model::EntityRef;
using model::Field;
using namespace std::chrono_literals;

// One workload whose counters the test moves.
class Host {
 public:
  Host() { Key(1); }

  void Key(std::uint64_t incarnation) {
    model::EntityRow host{model::kHostRef, model::EntityKind::kHost, {}, {}, {}};
    model::EntityRow row{EntityRef{1}, model::EntityKind::kContainer, {}, {}, {}};
    row.fields.Set(Field::kCpuUsageNs, 0);
    row.fields.SetHistogram(Field::kRunQueueWait, {});
    header_.incarnation = incarnation;
    header_.sequence = 1;
    Apply(model::Key{{host, row}, {}});
  }
  void Tick(std::chrono::milliseconds after, model::FieldSet fields) {
    header_.at += after;
    ++header_.sequence;
    Apply(model::Tick{{model::EntityRow{EntityRef{1}, {}, {}, std::move(fields), {}}}, {}});
  }
  // A tick that tells nothing of it.
  void Pass(std::chrono::milliseconds after) {
    header_.at += after;
    ++header_.sequence;
    Apply(model::Tick{});
  }
  RateWindow::Rates Rates() const {
    return window_.Of(EntityRef{1}, *state_.Find(EntityRef{1}), state_.header().at);
  }

 private:
  template <typename Body>
  void Apply(Body body) {
    const model::Record record{header_, std::move(body)};
    state_.Apply(record);
    window_.Observe(record, state_);
  }

  model::RecordHeader header_{
      .host = "h", .boot_id = "b", .incarnation = 0, .sequence = 0, .at = 100s, .wall_offset = {}};
  model::State state_;
  RateWindow window_;
};

model::FieldSet Usage(std::uint64_t ns) {
  model::FieldSet fields;
  fields.Set(Field::kCpuUsageNs, ns);
  return fields;
}

TEST(RateWindowTest, OneReadingHasNoRate) {
  EXPECT_EQ(Host().Rates().cpu_cores, std::nullopt);
}

TEST(RateWindowTest, CoresAreUsageOverTime) {
  Host host;

  host.Tick(100ms, Usage(50'000'000));

  EXPECT_DOUBLE_EQ(host.Rates().cpu_cores.value(), 0.5);
}

TEST(RateWindowTest, BurstIsForgottenAfterASecond) {
  Host host;
  host.Tick(100ms, Usage(200'000'000));

  for (int i = 0; i < 14; ++i) host.Tick(100ms, Usage(200'000'000));

  EXPECT_DOUBLE_EQ(host.Rates().cpu_cores.value(), 0.0);
}

TEST(RateWindowTest, WhoIsNotToldOfDoesNothing) {
  Host host;
  host.Tick(100ms, Usage(200'000'000));

  for (int i = 0; i < 14; ++i) host.Pass(100ms);

  EXPECT_DOUBLE_EQ(host.Rates().cpu_cores.value(), 0.0);
}

TEST(RateWindowTest, RateAfterALongSleepIsOfTheTimeAwake) {
  Host host;
  host.Tick(100ms, Usage(0));
  for (int i = 0; i < 600; ++i) host.Pass(100ms);

  host.Tick(100ms, Usage(50'000'000));
  host.Tick(100ms, Usage(100'000'000));

  const double cores = host.Rates().cpu_cores.value();
  EXPECT_GE(cores, 0.25) << "of at most 0.4 s: the step before, and what was awake";
  EXPECT_LE(cores, 0.5);
}

TEST(RateWindowTest, CounterThatWentBackHasNoRate) {
  Host host;
  host.Tick(200ms, Usage(500));
  for (int i = 0; i < 10; ++i) host.Tick(200ms, Usage(500));

  host.Tick(200ms, Usage(10));

  EXPECT_EQ(host.Rates().cpu_cores, std::nullopt);
}

TEST(RateWindowTest, NewIncarnationIsNoSpike) {
  Host host;
  host.Tick(1000ms, Usage(900'000'000));

  host.Key(2);

  EXPECT_EQ(host.Rates().cpu_cores, std::nullopt);
}

TEST(RateWindowTest, WaitsAreThoseOfTheLastTenSeconds) {
  Host host;
  model::Histogram waits;
  waits.counts[20] = 1000;  // half a second each, at the beginning
  model::FieldSet fields;
  fields.SetHistogram(Field::kRunQueueWait, waits);
  host.Tick(100ms, fields);
  EXPECT_GT(host.Rates().run_queue_wait_p99_ns.value(), 1e8);

  for (int i = 0; i < 130; ++i) host.Tick(100ms, {});
  waits.counts[5] += 10;  // 16 to 32 us, just now
  fields.SetHistogram(Field::kRunQueueWait, waits);
  host.Tick(100ms, fields);

  EXPECT_LT(host.Rates().run_queue_wait_p99_ns.value(), 33'000.0);
}

TEST(RateWindowTest, NothingWaitedIsAbsentNotZero) {
  Host host;

  host.Tick(100ms, Usage(1));

  EXPECT_EQ(host.Rates().run_queue_wait_p99_ns, std::nullopt);
}

}  // namespace
}  // namespace ballast::serve

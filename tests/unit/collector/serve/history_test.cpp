#include "collector/serve/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/synthetic_records.h"

namespace ballast::serve {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::Field;
using namespace std::chrono_literals;

constexpr EntityRef kAgent{1}, kDisk{2};

// A host with one agent that has one disk; the test says what each second brings.
class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() { Begin(1); }

  void Begin(std::uint64_t incarnation) {
    header_.incarnation = incarnation;
    header_.sequence = 0;
    Apply(model::Key{{{model::kHostRef, EntityKind::kHost, {}, {}, {}},
                      {kAgent, EntityKind::kContainer, {}, {}, {}},
                      {kDisk, EntityKind::kDevice, kAgent, {}, {}}},
                     {}});
  }
  void Apply(model::Record record) {
    state_.Apply(record);
    history_.Observe(record, state_);
  }
  template <typename Body>
  void Apply(Body body) {
    ++header_.sequence;
    Apply(model::Record{header_, std::move(body)});
  }
  void Tick(std::chrono::milliseconds after, model::FieldSet agent, model::FieldSet disk = {}) {
    header_.at += after;
    Apply(model::Tick{
        {{kAgent, {}, {}, std::move(agent), {}}, {kDisk, {}, {}, std::move(disk), {}}}, {}});
  }
  boost::json::value Written(BootTime since = {}) const {
    std::string out;
    JsonWriter json(out);
    json.BeginObject();
    history_.Write(json, kAgent, since, 0ns);
    json.EndObject();
    return boost::json::parse(out);
  }
  static model::FieldSet With(Field field, std::uint64_t value) {
    model::FieldSet fields;
    fields.Set(field, value);
    return fields;
  }

  model::RecordHeader header_{
      .host = "h", .boot_id = "b", .incarnation = 0, .sequence = 0, .at = 100s, .wall_offset = {}};
  model::State state_;
  History history_{{.max_bytes = 1 << 20, .keep = 600s}};
};

TEST_F(HistoryTest, CounterBecomesARateOfEachSecond) {
  Tick(1s, With(Field::kCpuUsageNs, 0));
  Tick(1s, With(Field::kCpuUsageNs, 500'000'000));
  Tick(1s, With(Field::kCpuUsageNs, 2'000'000'000));

  const auto cores = Written().at("series").at("cpu_cores");

  EXPECT_EQ(boost::json::serialize(cores), "[null,5E-1,1.5E0]");
  EXPECT_DOUBLE_EQ(*history_.Latest(kAgent, SeriesAt("cpu_cores")), 1.5);
}

TEST_F(HistoryTest, TicksWithinASecondAreOnePointAndTheirHighestPeak) {
  Tick(1s, {});
  for (const std::uint64_t peak_ns : {10'000'000, 90'000'000, 20'000'000})
    Tick(300ms, With(Field::kCpuPeak100msNs, peak_ns));
  Tick(100ms, {});

  const auto history = Written();

  EXPECT_EQ(history.at("times_ms").as_array().size(), 2U);
  EXPECT_NEAR(history.at("series").at("cpu_peak_cores").at(1).to_number<double>(), 0.9, 1e-6);
}

TEST_F(HistoryTest, ExitsOfEveryReasonCountForTheirVm) {
  for (const std::uint64_t exits : {0, 10, 30}) {
    model::Tick tick;
    for (const auto ref : {EntityRef{50}, EntityRef{51}}) {
      model::EntityRow row{ref, model::EntityKind::kExit, kAgent, {}, {}};
      row.fields.Set(Field::kVmExits, exits);
      tick.rows.push_back(row);
    }
    header_.at += 1s;
    Apply(tick);
  }

  EXPECT_EQ(boost::json::serialize(Written().at("series").at("vm_exits_per_second")),
            "[null,20,40]");
}

TEST_F(HistoryTest, WhatWasNeverMeasuredIsNotThere) {
  Tick(1s, With(Field::kCpuUsageNs, 0));
  Tick(1s, With(Field::kCpuUsageNs, 1));

  const auto series = Written().at("series").as_object();

  EXPECT_TRUE(series.contains("cpu_cores"));
  EXPECT_FALSE(series.contains("memory_bytes"));
  EXPECT_EQ(history_.Latest(kAgent, SeriesAt("memory_bytes")), std::nullopt);
}

TEST_F(HistoryTest, LimitThatIsNotSetIsAbsent) {
  Tick(1s, With(Field::kMemoryMaxBytes, 1 << 20));
  Tick(1s, With(Field::kMemoryMaxBytes, model::kUnlimited));

  EXPECT_EQ(boost::json::serialize(Written().at("series").at("memory_limit_bytes")),
            "[1048576,null]");
}

TEST_F(HistoryTest, DevicesCountForTheirWorkload) {
  Tick(1s, {}, With(Field::kIoReadBytes, 1000));
  Tick(1s, {}, With(Field::kIoReadBytes, 5096));

  EXPECT_EQ(*history_.Latest(kAgent, SeriesAt("io_read_bytes_per_second")), 4096.0);
}

TEST_F(HistoryTest, WaitsOfASecondAreAColumn) {
  model::Histogram waits;
  model::FieldSet fields;
  fields.SetHistogram(Field::kRunQueueWait, waits);
  Tick(1s, fields);
  waits.counts[4] = 3;
  waits.counts[6] = 100'000;
  fields.SetHistogram(Field::kRunQueueWait, waits);
  Tick(1s, fields);
  Tick(1s, fields);

  EXPECT_EQ(boost::json::serialize(Written().at("heatmaps").at("run_queue_wait")),
            "[[102000,4,[3,0,65535]]]");
}

TEST_F(HistoryTest, SinceLeavesOutWhatTheReaderHas) {
  for (int i = 0; i < 5; ++i) Tick(1s, With(Field::kMemoryUsageBytes, 7));

  const auto news = Written(103s);

  EXPECT_EQ(boost::json::serialize(news.at("times_ms")), "[104000,105000]");
  EXPECT_EQ(news.at("series").at("memory_bytes").as_array().size(), 2U);
}

TEST_F(HistoryTest, MemoryIsBoundedByKeepingLess) {
  History small({.max_bytes = 16 << 10, .keep = 600s});
  test::SyntheticHost host({.workloads = 20, .tick = 1s});
  model::State state;
  for (int i = 0; i < 300; ++i) {
    const auto record = i == 0 ? host.Key() : host.NextTick();
    state.Apply(record);
    small.Observe(record, state);
    ASSERT_LE(small.bytes(), 16U << 10) << "after " << i << " s";
  }

  EXPECT_LT(small.kept(), 60s);
  EXPECT_GT(small.kept(), 5s);
  EXPECT_TRUE(small.Latest(EntityRef{1}, SeriesAt("memory_bytes")));
}

TEST_F(HistoryTest, WhoIsNotToldOfStaysAsItWasAndCostsNothing) {
  Tick(1s, With(Field::kCpuUsageNs, 0));
  model::FieldSet last = With(Field::kCpuUsageNs, 500'000'000);
  last.Set(Field::kMemoryUsageBytes, 7);
  last.Set(Field::kCpuPeak10msNs, 9'000'000);
  Tick(1s, std::move(last));
  header_.at += 1s;
  Apply(model::Tick{});
  const std::size_t bytes = history_.bytes();

  for (int i = 0; i < 3; ++i) {
    header_.at += 1s;
    Apply(model::Tick{});
  }

  const auto written = Written();
  EXPECT_EQ(boost::json::serialize(written.at("times_ms")),
            "[101000,102000,103000,104000,105000,106000]");
  const auto& series = written.at("series");
  EXPECT_EQ(boost::json::serialize(series.at("cpu_cores")), "[null,5E-1,0,0,0,0]");
  EXPECT_EQ(boost::json::serialize(series.at("memory_bytes")), "[null,7,7,7,7,7]");
  EXPECT_EQ(boost::json::serialize(series.at("cpu_peak_10ms_cores")),
            "[null,9E-1,null,null,null,null]");
  EXPECT_EQ(history_.bytes(), bytes);
}

TEST_F(HistoryTest, RateAfterASleepIsOfItsOwnSecond) {
  Tick(1s, With(Field::kCpuUsageNs, 0));
  for (int i = 0; i < 60; ++i) {
    header_.at += 1s;
    Apply(model::Tick{});
  }

  Tick(1s, With(Field::kCpuUsageNs, 250'000'000));

  EXPECT_DOUBLE_EQ(history_.Latest(kAgent, SeriesAt("cpu_cores")).value(), 0.25);
}

TEST_F(HistoryTest, DeadWorkloadIsForgotten) {
  for (int i = 0; i < 3; ++i) Tick(1s, With(Field::kMemoryUsageBytes, 7));
  const std::size_t before = history_.bytes();
  Apply(model::Event{model::EventKind::kWorkloadDied, kAgent, {}, {}, {}});
  header_.at += 1s;
  Apply(model::Tick{});

  EXPECT_TRUE(Written().at("times_ms").as_array().empty());
  EXPECT_LT(history_.bytes(), before);
}

TEST_F(HistoryTest, AnotherIncarnationBeginsAnew) {
  for (int i = 0; i < 3; ++i) Tick(1s, With(Field::kCpuUsageNs, 5'000'000'000));
  header_.at += 1s;
  Begin(2);
  Tick(1s, With(Field::kCpuUsageNs, 1));

  EXPECT_EQ(Written().at("times_ms").as_array().size(), 1U);
  EXPECT_EQ(history_.Latest(kAgent, SeriesAt("cpu_cores")), std::nullopt);
}

}  // namespace
}  // namespace ballast::serve

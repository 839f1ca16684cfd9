#include "autoscaler/forecast/observation.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

using model::Field;
using model::FieldSet;
using namespace std::chrono_literals;

FieldSet Cpu(std::uint64_t usage_ns) {
  FieldSet fields;
  fields.Set(Field::kCpuUsageNs, usage_ns);
  return fields;
}

TEST(ObserverTest, TheFirstReadingIsNoObservation) {
  Observer observer;

  EXPECT_FALSE(observer.Observe(Cpu(5'000'000'000), nullptr, 1s));
}

TEST(ObserverTest, ARepetitionOfTheLastReadingIsNoStretchWithoutUse) {
  Observer observer;
  observer.Observe(Cpu(0), nullptr, 1s);
  observer.Observe(Cpu(100'000'000), nullptr, 1100ms);

  EXPECT_FALSE(observer.Observe(Cpu(100'000'000), nullptr, 1101ms));
  const auto next = observer.Observe(Cpu(200'000'000), nullptr, 1200ms);

  ASSERT_TRUE(next);
  EXPECT_NEAR(next->cpu_used_millicores.value_or(0), 1000, 1);
}

TEST(ObserverTest, CpuTimePerWallTimeIsMillicores) {
  Observer observer;
  ASSERT_FALSE(observer.Observe(Cpu(0), nullptr, 1s));

  const auto seen = observer.Observe(Cpu(50'000'000), nullptr, 1100ms);

  ASSERT_TRUE(seen);
  EXPECT_NEAR(seen->cpu_used_millicores.value(), 500, 1e-9);
  EXPECT_NEAR(seen->seconds, 0.1, 1e-9);
}

TEST(ObserverTest, ACounterThatBeganAnewIsNoSpike) {
  Observer observer;
  ASSERT_FALSE(observer.Observe(Cpu(9'000'000'000), nullptr, 1s));

  EXPECT_FALSE(observer.Observe(Cpu(1'000), nullptr, 2s));
}

TEST(ObserverTest, TimeThatStandsStillIsNoObservation) {
  Observer observer;
  ASSERT_FALSE(observer.Observe(Cpu(0), nullptr, 1s));

  EXPECT_FALSE(observer.Observe(Cpu(1'000), nullptr, 1s));
}

TEST(ObserverTest, ThePeakInsideTheTickCountsOnlyFromTheRecordsOwnRow) {
  Observer observer;
  FieldSet fields = Cpu(0);
  fields.Set(Field::kCpuPeak100msNs, 80'000'000);
  ASSERT_FALSE(observer.Observe(fields, nullptr, 1s));

  const auto old_peak = observer.Observe(fields, nullptr, 1100ms);
  const auto own_peak = observer.Observe(fields, &fields, 1200ms);

  EXPECT_NEAR(old_peak.value().cpu_used_millicores.value(), 0, 1e-9);
  EXPECT_NEAR(own_peak.value().cpu_used_millicores.value(), 800, 1e-9);
}

TEST(ObserverTest, WaitingBehindOthersIsCountedInMillicores) {
  Observer observer;
  FieldSet fields = Cpu(0);
  fields.SetHistogram(Field::kRunQueueWait, {});
  ASSERT_FALSE(observer.Observe(fields, nullptr, 1s));
  fields.SetHistogram(Field::kRunQueueWait, {.counts = {}, .sum_ns = 30'000'000});

  const auto seen = observer.Observe(fields, nullptr, 1100ms);

  EXPECT_NEAR(seen.value().cpu_waited_millicores.value(), 300, 1e-9);
}

TEST(ObserverTest, PageCacheThatCanGoIsUseAndNoNeed) {
  Observer observer;
  FieldSet fields = Cpu(0);
  fields.Set(Field::kMemoryUsageBytes, 1000);
  fields.Set(Field::kMemoryInactiveFileBytes, 700);
  ASSERT_FALSE(observer.Observe(fields, nullptr, 1s));

  const auto seen = observer.Observe(fields, nullptr, 2s);

  EXPECT_EQ(seen.value().memory_used_bytes, 1000);
  EXPECT_EQ(seen.value().memory_needed_bytes, 300);
}

TEST(ObserverTest, AbsentFieldsStayAbsent) {
  Observer observer;
  ASSERT_FALSE(observer.Observe(Cpu(0), nullptr, 1s));

  const auto seen = observer.Observe(Cpu(1), nullptr, 2s);

  ASSERT_TRUE(seen);
  EXPECT_FALSE(seen->cpu_waited_millicores);
  EXPECT_FALSE(seen->memory_used_bytes);
}

TEST(ObserverTest, RefusalsAreSeenInTheCounters) {
  struct Row {
    const char* name;
    Field counter;
    bool cpu;
    bool memory;
  };
  for (const Row& row : {Row{"throttled", Field::kCpuThrottledPeriods, true, false},
                         Row{"memory.max", Field::kMemoryMaxEvents, false, true},
                         Row{"memory.high", Field::kMemoryHighEvents, false, true}}) {
    Observer observer;
    FieldSet fields = Cpu(0);
    fields.Set(row.counter, 3);
    ASSERT_FALSE(observer.Observe(fields, nullptr, 1s)) << row.name;
    fields.Set(row.counter, 4);

    const auto seen = observer.Observe(fields, nullptr, 2s);

    ASSERT_TRUE(seen) << row.name;
    EXPECT_EQ(seen->cpu_refused, row.cpu) << row.name;
    EXPECT_EQ(seen->memory_refused, row.memory) << row.name;
  }
}

TEST(ObserverTest, RefaultsAndStallsAreOfTheStretch) {
  Observer observer;
  FieldSet fields = Cpu(0);
  fields.Set(Field::kMemoryRefaultAnon, 100);
  fields.Set(Field::kMemoryRefaultFile, 50);
  fields.Set(Field::kPressureMemorySomeNs, 1'000'000'000);
  ASSERT_FALSE(observer.Observe(fields, nullptr, 1s));
  fields.Set(Field::kMemoryRefaultAnon, 110);
  fields.Set(Field::kPressureMemorySomeNs, 1'050'000'000);

  const auto seen = observer.Observe(fields, nullptr, 1100ms);

  ASSERT_TRUE(seen);
  EXPECT_NEAR(seen->memory_refaulted_bytes.value(), 10 * 4096, 1e-9);
  EXPECT_NEAR(seen->memory_stalled_share.value(), 0.5, 1e-9);
}

}  // namespace
}  // namespace ballast::forecast

#include "collector/metrics/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace ballast::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RegistryTest, CounterAppearsWithItsLabelsAndHelp) {
  Registry registry;

  registry.GetCounter(Metric::kDroppedEvents, {"runq", "ring_full"}).Add(3);

  const std::string page = registry.Serialize();
  EXPECT_THAT(page, HasSubstr("# TYPE ballast_bpf_dropped_events_total counter\n"));
  EXPECT_THAT(
      page,
      HasSubstr("ballast_bpf_dropped_events_total{program=\"runq\",reason=\"ring_full\"} 3\n"));
}

TEST(RegistryTest, SameLabelsAreTheSameSeries) {
  Registry registry;

  registry.GetCounter(Metric::kRecords, {"tick"}).Add();
  registry.GetCounter(Metric::kRecords, {"tick"}).Add();

  EXPECT_EQ(registry.GetCounter(Metric::kRecords, {"tick"}).Value(), 2.0);
}

TEST(RegistryTest, HistogramObservesSeconds) {
  Registry registry;

  registry.GetHistogram(Metric::kReaction).Observe(0.0001);

  EXPECT_THAT(registry.Serialize(),
              HasSubstr("ballast_autoscaler_reaction_seconds_bucket{le=\"0.000128\"} 1\n"));
}

TEST(RegistryTest, FamilyNobodyAskedForIsAbsent) {
  Registry registry;
  registry.GetGauge(Metric::kStreamClients).Set(2);

  EXPECT_THAT(registry.Serialize(), Not(HasSubstr("autoscaler")));
}

TEST(RegistryTest, ThreadsCountTogether) {
  Registry registry;
  auto counter = registry.GetCounter(Metric::kTicksLate);
  const auto count = [counter]() mutable {
    for (int i = 0; i < 1000; ++i) counter.Add();
  };

  std::thread a(count), b(count);
  a.join();
  b.join();

  EXPECT_EQ(counter.Value(), 2000.0);
}

TEST(RegistryTest, HandleWithoutARegistryCountsIntoNothing) {
  Counter counter;

  counter.Add();

  EXPECT_EQ(counter.Value(), 0.0);
}

TEST(RegistryDeathTest, WrongLabelCountIsABug) {
  Registry registry;

  EXPECT_DEATH(registry.GetCounter(Metric::kRecords), "a value for each label");
}

constexpr Spec kCounterWithoutTotal[] = {{"ballast_ticks", Kind::kCounter, "", "Ticks."}};
constexpr Spec kTwice[] = {{"ballast_x", Kind::kGauge, "", "X."},
                           {"ballast_x", Kind::kGauge, "", "X."}};
constexpr Spec kNoHelp[] = {{"ballast_x", Kind::kGauge, "", ""}};
constexpr Spec kCamel[] = {{"ballastX", Kind::kGauge, "", "X."}};
static_assert(!NamesAreSound(kCounterWithoutTotal) && !NamesAreSound(kTwice) &&
              !NamesAreSound(kNoHelp) && !NamesAreSound(kCamel));

}  // namespace
}  // namespace ballast::metrics

#include "autoscaler/forecast/decaying_peak.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

using namespace std::chrono_literals;

DecayingPeakOptions Plain() {
  DecayingPeakOptions options;
  options.cpu = {.half_life_seconds = 2, .margin = 0, .floor = 0, .growth = 2, .least_step = 100};
  options.memory = {
      .half_life_seconds = 5, .margin = 0, .floor = 0, .growth = 1.5, .least_step = 64};
  return options;
}

Observation Used(BootTime at, double millicores, double bytes = 0) {
  Observation seen;
  seen.at = at;
  seen.seconds = 0.1;
  seen.cpu_used_millicores = millicores;
  seen.memory_needed_bytes = bytes;
  return seen;
}

TEST(DecayingPeakTest, NothingObservedIsNoDemandNotZero) {
  const DecayingPeak estimator;

  EXPECT_FALSE(estimator.Estimate(1s).cpu_millicores);
  EXPECT_FALSE(estimator.Estimate(1s).memory_bytes);
}

TEST(DecayingPeakTest, APeakIsHalfForgottenAfterOneHalfLife) {
  DecayingPeak estimator(Plain());
  estimator.Observe(Used(10s, 800, 1000), {});

  EXPECT_NEAR(estimator.Estimate(10s).cpu_millicores.value(), 800, 1e-9);
  EXPECT_NEAR(estimator.Estimate(12s).cpu_millicores.value(), 400, 1e-9);
  EXPECT_NEAR(estimator.Estimate(15s).memory_bytes.value(), 500, 1e-9);
}

TEST(DecayingPeakTest, AHigherSampleReplacesThePeakAtOnce) {
  DecayingPeak estimator(Plain());
  estimator.Observe(Used(10s, 100), {});
  estimator.Observe(Used(10100ms, 1500), {});

  EXPECT_NEAR(estimator.Estimate(10100ms).cpu_millicores.value(), 1500, 1e-9);
}

TEST(DecayingPeakTest, WaitingBehindOthersIsDemand) {
  DecayingPeak estimator(Plain());
  Observation seen = Used(10s, 300);
  seen.cpu_waited_millicores = 200;
  estimator.Observe(seen, {});

  EXPECT_NEAR(estimator.Estimate(10s).cpu_millicores.value(), 500, 1e-9);
}

TEST(DecayingPeakTest, AThrottledWorkloadWantsAMultipleOfItsLimit) {
  DecayingPeak estimator(Plain());
  Observation seen = Used(10s, 200);
  seen.cpu_refused = true;
  estimator.Observe(seen, {.cpu_millicores = 200, .memory_bytes = {}});

  EXPECT_NEAR(estimator.Estimate(10s).cpu_millicores.value(), 400, 1e-9);
}

TEST(DecayingPeakTest, ASmallLimitGrowsByTheLeastStep) {
  DecayingPeak estimator(Plain());
  estimator.CpuRefused(10s, {.cpu_millicores = 20, .memory_bytes = {}});

  EXPECT_NEAR(estimator.Estimate(10s).cpu_millicores.value(), 120, 1e-9);
}

TEST(DecayingPeakTest, AMemoryHitGrowsTheLimitMultiplicatively) {
  DecayingPeak estimator(Plain());
  estimator.Observe(Used(10s, 0, 900), {});
  estimator.MemoryRefused(10s, {.cpu_millicores = {}, .memory_bytes = 1000});

  EXPECT_NEAR(estimator.Estimate(10s).memory_bytes.value(), 1500, 1e-9);
}

TEST(DecayingPeakTest, ARefusalWithoutALimitOfItsOwnSaysNothing) {
  DecayingPeak estimator(Plain());
  estimator.Observe(Used(10s, 200), {});
  estimator.CpuRefused(10s, {});

  EXPECT_NEAR(estimator.Estimate(10s).cpu_millicores.value(), 200, 1e-9);
}

TEST(DecayingPeakTest, ATimeBeforeThePeakForgetsNothing) {
  DecayingPeak estimator(Plain());
  estimator.Observe(Used(10s, 800), {});

  EXPECT_NEAR(estimator.Estimate(4s).cpu_millicores.value(), 800, 1e-9);
}

TEST(DecayingPeakTest, DemandStandsAMarginAboveThePeak) {
  DecayingPeakOptions options = Plain();
  options.cpu.margin = 0.25;
  options.cpu.floor = 10;
  DecayingPeak estimator(options);
  estimator.Observe(Used(10s, 400), {});

  EXPECT_NEAR(estimator.Estimate(10s).cpu_millicores.value(), 510, 1e-9);
}

TEST(DecayingPeakTest, WhatWasTakenAndNeededAgainIsDemand) {
  DecayingPeak estimator(Plain());
  Observation seen = Used(10s, 0, 1000);
  seen.memory_refaulted_bytes = 300;

  estimator.Observe(seen, {});

  EXPECT_NEAR(estimator.Estimate(10s).memory_bytes.value(), 1300, 1e-9);
}

TEST(DecayingPeakTest, StandingStillCloseToTheLimitIsARefusal) {
  DecayingPeak close(Plain());
  DecayingPeak far(Plain());
  Observation seen = Used(10s, 0, 980);
  seen.memory_used_bytes = 980;
  seen.memory_stalled_share = 0.5;

  close.Observe(seen, {.cpu_millicores = std::nullopt, .memory_bytes = 1000});
  far.Observe(seen, {.cpu_millicores = std::nullopt, .memory_bytes = 5000});

  EXPECT_NEAR(close.Estimate(10s).memory_bytes.value(), 1500, 1e-9);
  EXPECT_NEAR(far.Estimate(10s).memory_bytes.value(), 980, 1e-9);
}

TEST(DecayingPeakTest, EachNewRefusalIsRememberedLonger) {
  DecayingPeakOptions options = Plain();
  options.memory.patience = 2;
  DecayingPeak once(options);
  DecayingPeak twice(options);
  const Limits limits{.cpu_millicores = {}, .memory_bytes = 1000};

  once.MemoryRefused(100s, limits);
  twice.MemoryRefused(10s, limits);
  twice.MemoryRefused(100s, limits);

  EXPECT_NEAR(once.Estimate(110s).memory_bytes.value(), 750, 1e-9);
  EXPECT_NEAR(twice.Estimate(120s).memory_bytes.value(), 750, 1e-9);
}

TEST(DecayingPeakTest, RefusalsOfOneNeedCountOnce) {
  DecayingPeakOptions options = Plain();
  options.memory.patience = 2;
  DecayingPeak estimator(options);
  const Limits limits{.cpu_millicores = {}, .memory_bytes = 1000};

  for (const auto at : {10000ms, 10100ms, 10200ms}) estimator.MemoryRefused(at, limits);

  EXPECT_NEAR(estimator.Estimate(20200ms).memory_bytes.value(), 750, 1e-9);
}

TEST(DecayingPeakTest, PatienceHasAnEnd) {
  DecayingPeakOptions options = Plain();
  options.memory.patience = 100;
  options.memory.most_half_life_seconds = 20;
  DecayingPeak estimator(options);

  estimator.MemoryRefused(10s, {.cpu_millicores = {}, .memory_bytes = 1000});

  EXPECT_NEAR(estimator.Estimate(30s).memory_bytes.value(), 750, 1e-9);
}

TEST(DecayingPeakTest, RisingUseIsExpectedToRiseOn) {
  DecayingPeakOptions options = Plain();
  options.memory.ramp_seconds = 0.5;
  DecayingPeak estimator(options);
  estimator.Observe(Used(10s, 0, 1000), {});
  estimator.Observe(Used(10100ms, 0, 1100), {});

  EXPECT_NEAR(estimator.Estimate(10100ms).memory_bytes.value(), 1600, 1e-6);
}

TEST(DecayingPeakTest, ARiseThatEndedIsForgottenAtOnce) {
  DecayingPeakOptions options = Plain();
  options.memory.ramp_seconds = 0.5;
  DecayingPeak estimator(options);
  for (const auto& [at, bytes] : {std::pair{10000ms, 1000}, {10100ms, 1100}, {10200ms, 1100}})
    estimator.Observe(Used(at, 0, bytes), {});

  EXPECT_NEAR(estimator.Estimate(10200ms).memory_bytes.value(), 1100, 1e-6);
}

}  // namespace
}  // namespace ballast::forecast

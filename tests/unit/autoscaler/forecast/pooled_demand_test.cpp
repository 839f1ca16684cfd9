#include "autoscaler/forecast/pooled_demand.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

using namespace std::chrono_literals;

constexpr double kGB = 1e9;

PooledDemandOptions Plain() {
  PooledDemandOptions options;
  options.horizon_seconds = 5;
  options.least_share = 0;
  options.least_bytes = 0;
  options.cold_share = 0;
  return options;
}

// A sum of 10 GB that bursts by `burst` for two seconds out of every twenty.
BootTime Play(PooledDemand& pool, double burst, int seconds) {
  BootTime at = 0s;
  for (int i = 0; i < seconds * 10; ++i) {
    at += 100ms;
    const bool bursts = i % 200 < 20;
    pool.Observe(10 * kGB + (bursts ? burst : 0), at);
  }
  return at;
}

TEST(PooledDemandTest, NothingSeenIsNoDemand) {
  EXPECT_FALSE(PooledDemand().Estimate({}, 1s));
}

TEST(PooledDemandTest, SteadyUseNeedsNoReserve) {
  PooledDemand pool(Plain());
  BootTime at{};
  for (int i = 0; i < 1000; ++i) pool.Observe(10 * kGB, at += 100ms);

  EXPECT_NEAR(*pool.Estimate({}, at), 10 * kGB, 2e6);
}

TEST(PooledDemandTest, WhatTheSumGrewWithinTheHorizonIsReserved) {
  PooledDemand pool(Plain());
  const BootTime at = Play(pool, 2 * kGB, 600);

  EXPECT_GE(*pool.Estimate({}, at), 12 * kGB);
  EXPECT_LE(*pool.Estimate({}, at), 12.3 * kGB);
}

// Up and down by 2 GB every five seconds: at the top there is nothing to come.
TEST(PooledDemandTest, ASumAtItsHighestReservesLessThanOneAtItsLowest) {
  PooledDemand pool(Plain());
  BootTime at = 0s;
  const auto play = [&](int tenths) {
    for (int i = 0; i < tenths; ++i)
      pool.Observe(10 * kGB + (i / 50 % 2 == 1 ? 2 * kGB : 0), at += 100ms);
  };
  play(6000 + 25);
  const double low = *pool.Estimate({}, at);
  play(75);
  const double high = *pool.Estimate({}, at);

  EXPECT_GE(low, 12 * kGB);
  EXPECT_GE(high, 12 * kGB);
  EXPECT_LE(high, 12.3 * kGB);
}

TEST(PooledDemandTest, TheLeastReserveIsTheLargestBurstOnceThatIsKnown) {
  PooledDemandOptions options = Plain();
  options.least_bytes = 0.5 * kGB;
  PooledDemand pool(options);
  pool.Observe(1 * kGB, 0s);
  const double at_first = *pool.Estimate({}, 0s);
  BootTime at{};
  for (int i = 0; i < 72'000; ++i)
    pool.Observe(1 * kGB + (i % 600 == 0 ? 0.1 * kGB : 0), at += 100ms);

  EXPECT_NEAR(at_first, 1.5 * kGB, 1e6);
  EXPECT_GE(*pool.Estimate({}, at), 1.09 * kGB);
  EXPECT_LE(*pool.Estimate({}, at), 1.15 * kGB);
}

TEST(PooledDemandTest, ToolsThatRunRaiseItBeforeTheyGrow) {
  PooledDemand pool(Plain());
  BootTime at{};
  for (int i = 0; i < 1000; ++i) pool.Observe(10 * kGB, at += 100ms);

  const double wanted = *pool.Estimate({.mean = 1 * kGB, .variance = 0.01 * kGB * kGB}, at);

  EXPECT_NEAR(wanted, 10 * kGB + 1 * kGB + 2 * 0.1 * kGB, 2e6);
}

TEST(PooledDemandTest, ARefusalRaisesItAboveWhatStands) {
  PooledDemand pool(Plain());
  pool.Observe(10 * kGB, 1s);

  pool.Refused(10 * kGB, 1s);

  EXPECT_NEAR(*pool.Estimate({}, 1s), 10.5 * kGB, 1e6);
}

TEST(PooledDemandTest, TheSameNeedRefusedAgainIsAskedForOnce) {
  PooledDemand pool(Plain());
  pool.Observe(10 * kGB, 1s);
  pool.Refused(10 * kGB, 1s);

  pool.Refused(10.5 * kGB, 1100ms);

  EXPECT_NEAR(*pool.Estimate({}, 1100ms), 10.5 * kGB, 1e6);
}

TEST(PooledDemandTest, WithLittleSeenMoreIsReserved) {
  PooledDemandOptions options = Plain();
  options.cold_share = 0.25;
  PooledDemand pool(options);
  pool.Observe(10 * kGB, 1s);

  EXPECT_NEAR(*pool.Estimate({}, 1s), 12.5 * kGB, 1e6);
  BootTime at = 1s;
  for (int i = 0; i < 36'000; ++i) pool.Observe(10 * kGB, at += 100ms);
  EXPECT_LT(*pool.Estimate({}, at), 10.01 * kGB);
}

TEST(PooledDemandTest, TimeThatStandsStillIsNoObservation) {
  PooledDemand pool(Plain());
  pool.Observe(10 * kGB, 5s);

  pool.Observe(90 * kGB, 5s);
  pool.Observe(90 * kGB, 4s);

  EXPECT_NEAR(*pool.Estimate({}, 5s), 10 * kGB, 1e6);
}

}  // namespace
}  // namespace ballast::forecast

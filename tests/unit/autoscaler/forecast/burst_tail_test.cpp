#include "autoscaler/forecast/burst_tail.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ballast::forecast {
namespace {

using namespace std::chrono_literals;

// The i-th of n evenly spread quantiles of an exponential distribution, in an order
// that mixes small and large.
double Exponential(int i, int n, double mean) {
  const double u = (std::fmod(i * 0.6180339887, 1.0) * (n - 1) + 0.5) / n;
  return -mean * std::log(1 - u);
}

TEST(BurstTailTest, NothingSeenIsNoBurst) {
  EXPECT_EQ(BurstTail().Quantile(0.99), 0);
}

TEST(BurstTailTest, TheBodyIsTheHistograms) {
  BurstTail tail;
  DecayingHistogram histogram(MemoryBuckets(), 1800s);
  for (int i = 0; i < 1000; ++i) {
    tail.Add(i * 1e6, 1s);
    histogram.Add(i * 1e6, 1, 1s);
  }

  EXPECT_EQ(tail.Quantile(0.5), histogram.Quantile(0.5));
}

TEST(BurstTailTest, RarerBurstsThanSeenAreExtrapolated) {
  BurstTail tail;
  constexpr int kCount = 2000;
  for (int i = 0; i < kCount; ++i) tail.Add(Exponential(i, kCount, 100e6), 1s);

  // The true quantile of the exponential is mean * ln(1/(1-p)); 2,000 samples hold none rarer
  // than 1 in 2,000.
  const double truth = 100e6 * std::log(1e5);
  EXPECT_GT(tail.Quantile(1 - 1e-5), 0.7 * truth);
  EXPECT_LT(tail.Quantile(1 - 1e-5), 1.5 * truth);
}

TEST(BurstTailTest, QuantilesRiseWithTheShare) {
  BurstTail tail;
  for (int i = 0; i < 500; ++i) tail.Add(Exponential(i, 500, 50e6), 1s);

  double before = 0;
  for (const double share : {0.1, 0.5, 0.9, 0.95, 0.96, 0.99, 0.999, 0.9999}) {
    EXPECT_GE(tail.Quantile(share), before) << share;
    before = tail.Quantile(share);
  }
}

TEST(BurstTailTest, OldBurstsAreForgotten) {
  BurstTail tail({.half_life_seconds = 60});
  for (int i = 0; i < 100; ++i) tail.Add(1e9 + i * 1e7, 1s);
  for (int i = 0; i < 1000; ++i) tail.Add(1e6, 1800s);

  EXPECT_LT(tail.Quantile(0.99), 1e8);
}

}  // namespace
}  // namespace ballast::forecast

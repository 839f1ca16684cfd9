#include "autoscaler/forecast/decaying_histogram.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

using namespace std::chrono_literals;

TEST(DecayingHistogramTest, EmptyHasNoQuantile) {
  const DecayingHistogram histogram(MemoryBuckets(), 24h);

  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.Quantile(0.9), 0);
}

TEST(DecayingHistogramTest, AQuantileIsTheUpperEndOfItsBucket) {
  DecayingHistogram histogram({.first = 10, .ratio = 1.05, .most = 1e6}, 24h);
  for (int i = 0; i < 90; ++i) histogram.Add(100, 1, 0s);
  for (int i = 0; i < 10; ++i) histogram.Add(1000, 1, 0s);

  const double p90 = histogram.Quantile(0.90);
  const double p95 = histogram.Quantile(0.95);

  EXPECT_GT(p90, 100);
  EXPECT_LT(p90, 100 * 1.05 + 10);
  EXPECT_GT(p95, 1000);
  EXPECT_LT(p95, 1000 * 1.05 + 10);
}

// Against bucket bounds computed by hand from VPA's formula.
TEST(DecayingHistogramTest, BucketsGrowAsVpasDo) {
  DecayingHistogram histogram(MemoryBuckets(), 24h);
  histogram.Add(1.0e7, 1, 0s);  // begin of the second bucket: 1e7, its end 1e7 + 1.05e7

  EXPECT_NEAR(histogram.Quantile(0.5), 2.05e7, 1);
}

TEST(DecayingHistogramTest, ASampleCountsHalfAfterOneHalfLife) {
  DecayingHistogram histogram(MemoryBuckets(), 1h);
  histogram.Add(1e9, 3, 0h);
  histogram.Add(1e8, 2, 1h);  // 2 against 1.5

  EXPECT_LT(histogram.Quantile(0.5), 2e8);
  EXPECT_NEAR(histogram.WeightAt(1h), 3.5, 1e-9);
}

TEST(DecayingHistogramTest, OldSamplesAreForgottenWithoutOverflow) {
  DecayingHistogram histogram(MemoryBuckets(), 1h);
  for (int hour = 0; hour < 5000; ++hour) histogram.Add(hour < 4900 ? 1e9 : 1e8, 1, 1h * hour);

  EXPECT_LT(histogram.Quantile(0.99), 2e8);
  EXPECT_NEAR(histogram.WeightAt(4999h), 2, 1e-6);
}

TEST(DecayingHistogramTest, WhatIsTakenBackDoesNotCount) {
  DecayingHistogram histogram(MemoryBuckets(), 24h);
  histogram.Add(1e9, 1, 0s);
  histogram.Add(1e8, 1, 0s);

  histogram.Subtract(1e9, 1, 0s);

  EXPECT_LT(histogram.Quantile(1.0), 2e8);
}

TEST(DecayingHistogramTest, MoreThanTheMostLandsInTheLastBucket) {
  DecayingHistogram histogram({.first = 10, .ratio = 1.05, .most = 1000}, 24h);
  histogram.Add(1e15, 1, 0s);

  EXPECT_GT(histogram.Quantile(0.5), 900);
  EXPECT_LE(histogram.Quantile(0.5), 1000);
}

}  // namespace
}  // namespace ballast::forecast

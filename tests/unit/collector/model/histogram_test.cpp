#include "collector/model/histogram.h"

#include <gtest/gtest.h>

namespace ballast::model {
namespace {

TEST(HistogramTest, QuantileLiesInsideItsBucket) {
  Histogram histogram;
  histogram.counts[0] = 90;   // under 1 us
  histogram.counts[11] = 10;  // 1024 to 2048 us

  EXPECT_LE(QuantileNs(histogram, 0.5), 1'000.0);
  EXPECT_GT(QuantileNs(histogram, 0.99), 1'024'000.0);
  EXPECT_LE(QuantileNs(histogram, 0.99), 2'048'000.0);
}

TEST(HistogramTest, EmptyHasNoQuantile) {
  EXPECT_EQ(QuantileNs(Histogram{}, 0.99), 0.0);
}

TEST(HistogramTest, ARestartedSourceIsNoSpike) {
  const Histogram then{.counts = {10, 5}, .sum_ns = 100};
  const Histogram now{.counts = {1, 7}, .sum_ns = 40};

  const Histogram delta = Since(then, now);

  EXPECT_EQ(delta.counts[0], 0U);
  EXPECT_EQ(delta.counts[1], 2U);
  EXPECT_EQ(delta.sum_ns, 0U);
}

}  // namespace
}  // namespace ballast::model

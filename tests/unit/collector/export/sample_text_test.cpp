#include "collector/export/sample_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace ballast::exposition {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Seconds(std::uint64_t ns) {
  std::string text;
  AppendSeconds(text, ns);
  return text;
}

TEST(AppendSecondsTest, NanosecondsStayExact) {
  EXPECT_EQ(Seconds(0), "0");
  EXPECT_EQ(Seconds(1'500'000'000), "1.5");
  EXPECT_EQ(Seconds(1), "0.000000001");
  EXPECT_EQ(Seconds(12'345'678'901'234'567'890ULL), "12345678901.23456789");
}

TEST(AppendNumberTest, WhatIsNoNumberHasItsName) {
  std::string text;

  AppendNumber(text, std::numeric_limits<double>::infinity());
  AppendNumber(text, -std::numeric_limits<double>::infinity());
  AppendNumber(text, std::numeric_limits<double>::quiet_NaN());

  EXPECT_EQ(text, "+Inf-InfNaN");
}

TEST(AppendHistogramTest, BucketsAddUpFromBelow) {
  model::Histogram histogram;
  histogram.counts[0] = 1;   // under 1 us: inside the first edge
  histogram.counts[4] = 2;   // [8, 16) us
  histogram.counts[27] = 4;  // above 67 s
  histogram.sum_ns = 70'000'000'000;
  std::string page;

  AppendHistogram(page, "w", "id=\"x\"", "", histogram, nullptr);

  EXPECT_THAT(
      page,
      HasSubstr("w_bucket{id=\"x\",le=\"0.000008\"} 1\nw_bucket{id=\"x\",le=\"0.000016\"} 3\n"));
  EXPECT_THAT(
      page, HasSubstr("w_bucket{id=\"x\",le=\"16.777216\"} 3\nw_bucket{id=\"x\",le=\"+Inf\"} 7\n"));
  EXPECT_THAT(page, HasSubstr("w_sum{id=\"x\"} 70\nw_count{id=\"x\"} 7\n"));
}

}  // namespace
}  // namespace ballast::exposition

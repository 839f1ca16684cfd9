#include "autoscaler/actuate/limit_text.h"

#include <gtest/gtest.h>

namespace ballast::actuate {
namespace {

TEST(LimitTextTest, CpuMaxIsReadWithAndWithoutALimit) {
  EXPECT_EQ(ParseCpuMax("50000 100000").value().quota_us, 50'000);
  EXPECT_EQ(ParseCpuMax("max 200000").value().period_us, 200'000);
  EXPECT_FALSE(ParseCpuMax("max 100000").value().quota_us);
}

TEST(LimitTextTest, MalformedCpuMaxIsNoValue) {
  for (const char* text : {"", "max", "50000", "x 100000", "50000 0", "50000 -1", "50000 1 1"})
    EXPECT_FALSE(ParseCpuMax(text)) << "'" << text << "'";
}

TEST(LimitTextTest, QuotasFollowThePeriodAndNeverGoBelowTheKernelsLeast) {
  EXPECT_EQ(QuotaUs(1500, 100'000), 150'000);
  EXPECT_EQ(QuotaUs(1500, 50'000), 75'000);
  EXPECT_EQ(QuotaUs(1, 100'000), 1'000);
  EXPECT_EQ(Millicores(150'000, 100'000), 1500);
}

TEST(LimitTextTest, NoMemoryLimitIsWrittenInTwoWays) {
  EXPECT_FALSE(ParseMemoryLimit("max").value());
  EXPECT_FALSE(ParseMemoryLimit("9223372036854771712").value());
  EXPECT_EQ(ParseMemoryLimit("4096").value().value(), 4096);
  EXPECT_FALSE(ParseMemoryLimit("many"));
}

TEST(LimitTextTest, MemoryIsHeldInWholePages) {
  EXPECT_EQ(WholePages(8191), 4096);
}

TEST(LimitTextTest, WeightsStayInTheKernelsRange) {
  EXPECT_EQ(ToWeight(1000), 100);
  EXPECT_EQ(ToWeight(1), 1);
  EXPECT_EQ(ToWeight(10'000'000), 10'000);
  EXPECT_EQ(ToShares(1000), 1024);
  EXPECT_EQ(ToShares(1), 2);
}

}  // namespace
}  // namespace ballast::actuate

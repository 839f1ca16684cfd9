#include "autoscaler/simulate/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "autoscaler/simulate/prior.h"

namespace ballast::simulate {
namespace {

TEST(MakeSyntheticTest, SameSeedSameTraces) {
  const auto one = MakeSynthetic({.count = 3, .seed = 7});
  const auto two = MakeSynthetic({.count = 3, .seed = 7});

  ASSERT_EQ(one.size(), 3U);
  EXPECT_EQ(PeakMemory(one[2]), PeakMemory(two[2]));
  EXPECT_EQ(one[2].samples.size(), two[2].samples.size());
}

TEST(MakeSyntheticTest, TimeAscendsAndToolsComeInOrder) {
  for (const Trace& trace : MakeSynthetic({.count = 50})) {
    ASSERT_GE(trace.samples.size(), 2U);
    EXPECT_TRUE(std::ranges::is_sorted(trace.samples, {}, &Sample::at_seconds));
    EXPECT_TRUE(std::ranges::is_sorted(trace.tools, {}, &ToolSpan::begin_seconds));
  }
}

TEST(MakeSyntheticTest, AgentsRestLowAndBurstHigh) {
  const auto traces = MakeSynthetic({.count = 100});

  EXPECT_LT(Quantile(MemorySamples(traces), 0.5), 300e6);
  EXPECT_GT(Quantile(MemoryPeaks(traces), 0.99), 1.5e9);
  EXPECT_LT(Quantile(MemoryPeaks(traces), 0.5), 1e9);
}

TEST(QuantileTest, IsTheSmallestThatEnoughDoNotExceed) {
  EXPECT_EQ(Quantile({5, 1, 3, 2, 4}, 0.8), 4);
  EXPECT_EQ(Quantile({5, 1, 3, 2, 4}, 0.81), 5);
  EXPECT_EQ(Quantile({5, 1}, 0), 1);
}

}  // namespace
}  // namespace ballast::simulate

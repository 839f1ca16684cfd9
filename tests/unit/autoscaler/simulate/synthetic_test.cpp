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

TEST(SyntheticFamiliesTest, EachMakesTracesThatAHostCanRun) {
  for (const SyntheticFamily& family : SyntheticFamilies()) {
    SCOPED_TRACE(std::string(family.name));
    for (const Trace& trace : MakeSynthetic(family.options)) {
      ASSERT_GE(trace.samples.size(), 2U);
      ASSERT_GT(trace.seconds(), 0);
      for (std::size_t i = 1; i < trace.samples.size(); ++i)
        ASSERT_GT(trace.samples[i].at_seconds, trace.samples[i - 1].at_seconds);
    }
  }
}

TEST(SyntheticFamiliesTest, AreWhatTheirNamesSay) {
  const auto of = [](std::string_view name) { return MakeSynthetic(*FindSyntheticFamily(name)); };
  const double plain = Quantile(MemoryPeaks(of("plain")), 0.9);

  EXPECT_GT(Quantile(MemoryPeaks(of("bursty")), 0.9), 2 * plain);
  EXPECT_LT(Quantile(MemoryPeaks(of("small")), 0.9), 0.2 * plain);
  EXPECT_GT(Quantile(CpuPeaks(of("cpu-heavy")), 0.5), 4);
  EXPECT_TRUE(of("no-tools").front().tools.empty());
  EXPECT_EQ(of("few").size(), 5U);
  EXPECT_FALSE(FindSyntheticFamily("unheard-of"));
}

TEST(QuantileTest, IsTheSmallestThatEnoughDoNotExceed) {
  EXPECT_EQ(Quantile({5, 1, 3, 2, 4}, 0.8), 4);
  EXPECT_EQ(Quantile({5, 1, 3, 2, 4}, 0.81), 5);
  EXPECT_EQ(Quantile({5, 1}, 0), 1);
}

}  // namespace
}  // namespace ballast::simulate

#include "collector/source/bpf/cpu_split.h"

#include <gtest/gtest.h>

namespace ballast::source {
namespace {

TEST(CpuSplitTest, PartsAddUpToTheUsage) {
  CpuSplit split;

  split.Update(1000, 30, 10);

  EXPECT_EQ(split.user_ns(), 750u);
  EXPECT_EQ(split.system_ns(), 250u);
}

TEST(CpuSplitTest, UsageWithoutSamplesIsUserTime) {
  CpuSplit split;

  split.Update(1000, 0, 0);

  EXPECT_EQ(split.user_ns(), 1000u);
  EXPECT_EQ(split.system_ns(), 0u);
}

TEST(CpuSplitTest, NeitherPartStepsBackWhenTheSamplesTurn) {
  CpuSplit split;
  split.Update(1000, 10, 90);

  split.Update(1100, 500, 100);

  EXPECT_EQ(split.system_ns(), 900u);
  EXPECT_EQ(split.user_ns(), 200u);
}

TEST(CpuSplitTest, UserTimeDoesNotStepBackEither) {
  CpuSplit split;
  split.Update(1000, 90, 10);

  split.Update(1100, 100, 500);

  EXPECT_EQ(split.user_ns(), 900u);
  EXPECT_EQ(split.system_ns(), 200u);
}

TEST(CpuSplitTest, UsageThatStandsStillChangesNothing) {
  CpuSplit split;
  split.Update(1000, 50, 50);

  split.Update(1000, 99, 1);

  EXPECT_EQ(split.user_ns(), 500u);
}

}  // namespace
}  // namespace ballast::source

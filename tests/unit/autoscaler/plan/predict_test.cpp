#include <gtest/gtest.h>

#include "autoscaler/plan/plan.h"

namespace ballast::plan {
namespace {

constexpr Amount kGb = 1'000'000'000;

TEST(PredictMoveTest, IdleVmIsCopiedOnce) {
  const Prediction predicted = PredictMove(4 * kGb, {}, {.bytes_per_s = 1e9});

  EXPECT_TRUE(predicted.converges);
  EXPECT_EQ(predicted.copied_bytes, 4 * kGb);
  EXPECT_NEAR(predicted.duration_s, 4.05, 1e-9);
  EXPECT_NEAR(predicted.downtime_s, 0.05, 1e-9);
}

// M/B (1 + r + r^2 + ...): the geometric sum until the rest fits the downtime.
TEST(PredictMoveTest, DirtyVmNeedsRoundsOfFallingSize) {
  const Prediction predicted =
      PredictMove(8 * kGb, {.dirty_bytes_per_s = 0.5e9}, {.bytes_per_s = 1e9});

  // 8 + 4 + 2 + 1 + 0.5 copied, then 0.25 GB left: just what 0.25 s can switch over.
  EXPECT_TRUE(predicted.converges);
  EXPECT_EQ(predicted.copied_bytes, 15'750'000'000);
  EXPECT_NEAR(predicted.downtime_s, 0.30, 1e-9);
}

TEST(PredictMoveTest, FasterDirtyingThanCopyingDoesNotConverge) {
  const Prediction predicted =
      PredictMove(8 * kGb, {.dirty_bytes_per_s = 2e9}, {.bytes_per_s = 1e9});

  EXPECT_FALSE(predicted.converges);
}

TEST(PredictMoveTest, SmallWorkingSetConvergesAtAnyRate) {
  const Prediction predicted = PredictMove(
      8 * kGb, {.dirty_bytes_per_s = 2e9, .working_set_bytes = kGb / 10}, {.bytes_per_s = 1e9});

  EXPECT_TRUE(predicted.converges);
  EXPECT_NEAR(predicted.downtime_s, 0.15, 1e-9);
}

}  // namespace
}  // namespace ballast::plan

#include "autoscaler/guard/degrader.h"

#include <gtest/gtest.h>

namespace ballast::guard {
namespace {

using namespace std::chrono_literals;

constexpr Amount kMiB = 1 << 20;

// A pool of 1,000 MiB: the reserve is 50. An agent that comes first and two that do not.
class DegraderTest : public ::testing::Test {
 protected:
  DegraderTest() {
    members_ = {{{1, 0}, 10, 100 * kMiB, 100 * kMiB, false, true},
                {{2, 0}, 0, 100 * kMiB, 100 * kMiB, false, true},
                {{3, 0}, 5, 100 * kMiB, 100 * kMiB, false, true}};
  }
  DegradeMember& agent() { return members_[0]; }
  DegradeMember& hog() { return members_[1]; }
  DegradeMember& middle() { return members_[2]; }

  std::vector<DegradeStep> Tick() {
    at_ += 100ms;
    Amount used = 0;
    for (const DegradeMember& member : members_) used += member.used;
    return degrader_.Judge({1000 * kMiB, 1000 * kMiB - used}, members_, at_);
  }
  // The hog takes so much with every tick until it is at `level`; frozen it takes no more.
  void GrowUntil(DegradeLevel level, Amount per_tick = 10 * kMiB) {
    for (int i = 0; i < 200 && degrader_.LevelOf(hog().key) != level; ++i) {
      hog().used += per_tick;
      for (const DegradeStep& step : Tick()) steps_.push_back(step);
    }
    ASSERT_EQ(degrader_.LevelOf(hog().key), level);
  }
  void Ticks(int count) {
    for (int i = 0; i < count; ++i)
      for (const DegradeStep& step : Tick()) steps_.push_back(step);
  }

  DegradeOptions options_;
  Degrader degrader_{options_};
  std::vector<DegradeMember> members_;
  std::vector<DegradeStep> steps_;
  BootTime at_{1h};
};

TEST_F(DegraderTest, GrowthIsSlowedAndThenEndedBeforeTheReserveIsGone) {
  GrowUntil(DegradeLevel::kThrottled);
  EXPECT_GT(hog().used, 600 * kMiB);
  GrowUntil(DegradeLevel::kFrozen);

  EXPECT_LE(hog().used, 1000 * kMiB - 200 * kMiB - 50 * kMiB);
  EXPECT_EQ(steps_.back().reason, "reserve");
  EXPECT_EQ(degrader_.LevelOf(middle().key), DegradeLevel::kNone);
  EXPECT_EQ(degrader_.LevelOf(agent().key), DegradeLevel::kNone);
}

TEST_F(DegraderTest, EqualPrioritiesNeverDegradeEachOther) {
  for (DegradeMember& member : members_) member.priority = 7;
  agent().waits = true;

  for (int i = 0; i < 75; ++i) {
    hog().used += 10 * kMiB;
    EXPECT_TRUE(Tick().empty());
  }
}

TEST_F(DegraderTest, WhatOthersAreExpectedToNeedIsRoomThatIsMissing) {
  agent().demand = 500 * kMiB;

  GrowUntil(DegradeLevel::kThrottled);

  EXPECT_LT(hog().used, 450 * kMiB);
}

TEST_F(DegraderTest, WhoGrowsMostIsTakenFirstAndWhoDoesNotGrowNever) {
  middle().priority = 0;
  for (int i = 0; i < 100 && degrader_.LevelOf(hog().key) == DegradeLevel::kNone; ++i) {
    hog().used += 12 * kMiB;
    middle().used += 3 * kMiB;
    Ticks(1);
  }
  ASSERT_FALSE(steps_.empty());
  EXPECT_EQ(steps_.front().key, hog().key);
  steps_.clear();

  agent().used += 200 * kMiB;  // nothing is left, and nobody below it grows any more
  for (int i = 0; i < 20; ++i) degrader_.Judge({1000 * kMiB, 60 * kMiB}, members_, at_ += 100ms);
  degrader_.Judge({1000 * kMiB, 0}, members_, at_ += 100ms);

  EXPECT_NE(degrader_.LevelOf(middle().key), DegradeLevel::kFrozen);
}

TEST_F(DegraderTest, WhoWaitsFreezesTheLowestPriorityAtOnceAndThenTheNext) {
  hog().used = 720 * kMiB;
  hog().waits = middle().waits = true;  // both at the full pool, ready to take what comes free
  Tick();
  agent().waits = true;

  Tick();
  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kFrozen);
  Tick();
  EXPECT_EQ(degrader_.LevelOf(middle().key), DegradeLevel::kFrozen);
  EXPECT_EQ(degrader_.LevelOf(agent().key), DegradeLevel::kNone);
}

TEST_F(DegraderTest, WhoWaitsAtALimitOfItsOwnWhileThereIsRoomFreezesNobody) {
  agent().waits = true;
  hog().waits = true;

  Ticks(20);

  EXPECT_TRUE(steps_.empty());
}

TEST_F(DegraderTest, RoomGivesBackOneLevelAfterTheOther) {
  GrowUntil(DegradeLevel::kFrozen);
  agent().used = 0;
  middle().used = 0;
  steps_.clear();

  Ticks(9);
  EXPECT_TRUE(steps_.empty()) << "calm is a second";
  Ticks(30);

  ASSERT_EQ(steps_.size(), 2U);
  EXPECT_EQ(steps_[0].to, DegradeLevel::kThrottled);
  EXPECT_EQ(steps_[1].to, DegradeLevel::kNone);
  EXPECT_FALSE(degrader_.any());
}

TEST_F(DegraderTest, NobodyStaysFrozenForLongAndIsNotFrozenAgainUntilRoomWasBack) {
  GrowUntil(DegradeLevel::kFrozen);
  Ticks(99);
  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kFrozen);

  Ticks(2);
  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kThrottled);
  EXPECT_EQ(steps_.back().reason, "longest freeze");
  for (int i = 0; i < 30; ++i) {
    hog().used += kMiB;
    Ticks(1);
  }

  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kThrottled);
}

TEST_F(DegraderTest, WithoutRecordsAFreezeEndsAllTheSame) {
  GrowUntil(DegradeLevel::kFrozen);

  EXPECT_TRUE(degrader_.Overdue(at_ + 9s).empty());
  ASSERT_EQ(degrader_.Overdue(at_ + 10s).size(), 1U);
  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kThrottled);
}

TEST_F(DegraderTest, WhenNobodyComesBeforeItAnyMoreItIsLetGo) {
  GrowUntil(DegradeLevel::kFrozen);
  members_ = {hog()};

  Ticks(1);

  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kNone);
}

TEST_F(DegraderTest, WhoStopsGrowingGetsItsCpuBackWhileMemoryStaysScarce) {
  agent().demand = 700 * kMiB;
  GrowUntil(DegradeLevel::kThrottled);

  Ticks(110);

  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kNone);
  EXPECT_EQ(steps_.back().reason, "grows no more");
}

TEST_F(DegraderTest, WhatMayNotBeTouchedIsNot) {
  hog().may_act = false;

  for (int i = 0; i < 75; ++i) {
    hog().used += 10 * kMiB;
    Ticks(1);
  }

  EXPECT_TRUE(steps_.empty());
}

TEST_F(DegraderTest, ThrottlingMayBeTheMost) {
  options_.most = DegradeLevel::kThrottled;
  degrader_ = Degrader(options_);
  for (int i = 0; i < 79; ++i) {
    hog().used += 10 * kMiB;
    Ticks(1);
  }

  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kThrottled);
}

TEST_F(DegraderTest, AStepThatFailedIsNotTriedForAWhile) {
  GrowUntil(DegradeLevel::kFrozen);
  degrader_.Failed(hog().key, DegradeLevel::kThrottled, at_ + 5s);
  hog().used += 10 * kMiB;

  Ticks(1);
  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kThrottled);
  for (int i = 0; i < 60; ++i) {
    hog().used += kMiB;
    Ticks(1);
  }
  EXPECT_EQ(degrader_.LevelOf(hog().key), DegradeLevel::kFrozen);
}

}  // namespace
}  // namespace ballast::guard

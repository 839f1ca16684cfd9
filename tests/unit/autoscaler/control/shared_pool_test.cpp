#include "autoscaler/control/shared_pool.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/autoscaler/control/loop_fixture.h"

namespace ballast::control {
namespace {

using actuate::Resource;
using model::Field;
using test::kMiB;

class SharedPoolTest : public LoopFixture {
 protected:
  SharedPoolTest() {
    options_.shared_pool.emplace();
    options_.shared_pool->parent = "/agents";
    options_.defaults.min_memory = 0;
    one_ = host_.Add("one");
    two_ = host_.Add("two");
    Uses(one_, 500);
    Uses(two_, 500);
  }

  void Uses(const model::WorkloadKey& key, std::uint64_t mib) {
    host_.Fields(key).Set(Field::kMemoryUsageBytes, mib * kMiB);
  }
  // The workloads' parent is a slice of its own.
  void StartWithParent() {
    loop_ = std::make_unique<NodeLoop>(options_, actuator_, outbox_);
    model::FieldSet fields;
    fields.Set(Field::kCgroupId, kParent.cgroup_id);
    fields.Set(Field::kHierarchyId, kParent.hierarchy_id);
    fields.SetText(Field::kPath, "/agents");
    model::Record key = host_.Key();
    std::get<model::Key>(key.body).entities.push_back(
        {model::EntityRef{900}, model::EntityKind::kSlice, {}, fields, {}});
    Feed(key);
  }
  model::Record Event(model::EventKind kind, const model::WorkloadKey& key) {
    model::Record record = host_.Refused(one_, kind);
    auto& event = std::get<model::Event>(record.body);
    event.key = key;
    event.subject = key == kParent ? model::EntityRef{900} : *event.subject;
    return record;
  }
  std::ptrdiff_t PoolCalls() const {
    return std::ranges::count(actuator_.calls, Resource::kMemoryPool,
                              &test::ObedientActuator::Call::resource);
  }
  std::optional<std::int64_t> Pool() const { return Last("/agents", Resource::kMemoryPool); }

  static constexpr model::WorkloadKey kParent{77, 0};
  model::WorkloadKey one_;
  model::WorkloadKey two_;
};

TEST_F(SharedPoolTest, ThePoolIsWhatAllUseAndAReserve) {
  StartWithParent();
  Ticks(5);

  ASSERT_TRUE(Pool());
  EXPECT_GE(*Pool(), 1500 * kMiB);  // the least reserve is 512 MiB
  EXPECT_LT(*Pool(), 2200 * kMiB);
}

TEST_F(SharedPoolTest, AnActuationSaysWhichInterfaceItWentThrough) {
  StartWithParent();
  Ticks(5);

  const auto events = Events(model::EventKind::kActuation);

  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().fields.GetText(Field::kText), "through cgroup");
}

TEST_F(SharedPoolTest, AWorkloadMayTakeAllThatIsFree) {
  StartWithParent();
  Ticks(5);

  EXPECT_GT(Last("/agents/one", Resource::kMemory).value(), 3000 * kMiB);
}

// Each remembers a peak, and both together would not fit; they did not come at once.
TEST_F(SharedPoolTest, WhatIsFreeIsWhatNobodyUsesNotWhatNobodyMayNeed) {
  options_.memory_pool = 4000 * kMiB;
  StartWithParent();
  for (const auto& agent : {one_, two_}) {
    Uses(agent, 3000);
    Ticks(2);
    Uses(agent, 500);
    Ticks(2);
  }

  for (const char* path : {"/agents/one", "/agents/two"})
    EXPECT_GE(Last(path, Resource::kMemory).value_or(0), 3400 * kMiB) << path;
}

// A guarantee is a right; who does not use it leaves it to the others.
TEST_F(SharedPoolTest, GuaranteesThatNobodyUsesAreNotReserved) {
  options_.defaults.min_memory = 1500 * kMiB;
  StartWithParent();
  Ticks(5);

  ASSERT_TRUE(Pool());
  EXPECT_LT(*Pool(), 2200 * kMiB);
}

TEST_F(SharedPoolTest, WhatIsUsedNowIsAlwaysInside) {
  StartWithParent();
  Ticks(5);
  Uses(one_, 3000);

  Ticks(1);

  EXPECT_GE(*Pool(), 3500 * kMiB);
}

TEST_F(SharedPoolTest, ARefusalAtThePoolRaisesItAtOnce) {
  StartWithParent();
  Ticks(200);
  const std::int64_t before = *Pool();
  actuator_.calls.clear();

  Feed(Event(model::EventKind::kMemoryLimit, kParent));

  ASSERT_EQ(actuator_.calls.size(), 1U);
  EXPECT_EQ(actuator_.calls.front().resource, Resource::kMemoryPool);
  EXPECT_GE(actuator_.calls.front().amount, before + before / 25);
}

TEST_F(SharedPoolTest, ItShrinksSlowlyWhenLessIsNeeded) {
  StartWithParent();
  Ticks(10);
  const std::int64_t before = *Pool();
  Uses(one_, 50);

  Ticks(60);
  const std::int64_t after_seconds = *Pool();
  Ticks(3000);

  EXPECT_GE(after_seconds, before - before / 5);
  EXPECT_LT(*Pool(), 1300 * kMiB);
}

// Collectors record workloads; the group around them seldom is one.
TEST_F(SharedPoolTest, AParentThatNoRecordHasIsNamedByItsPath) {
  Start();
  Ticks(5);

  EXPECT_GE(Pool().value_or(0), 1500 * kMiB);
  EXPECT_THAT(actuator_.adopted, ::testing::Contains("/agents"));
}

TEST_F(SharedPoolTest, ThePoolIsNeverAboveWhatItsOwnerGaveTheParent) {
  actuator_.original_memory = 1200 * kMiB;
  StartWithParent();
  Ticks(5);
  Uses(one_, 690);
  Ticks(5);

  EXPECT_EQ(*Pool(), 1200 * kMiB);
}

TEST_F(SharedPoolTest, WorkloadsElsewhereHaveTheirOwnLimitsAndAreNoneOfIts) {
  options_.auto_prefixes = {"/agents", "/others"};
  const model::WorkloadKey other = host_.Add("three", "/others/");
  Uses(other, 2000);
  StartWithParent();
  Ticks(200);

  EXPECT_LT(*Pool(), 2200 * kMiB);
  EXPECT_LT(Last("/others/three", Resource::kMemory).value(), 3600 * kMiB);
}

TEST_F(SharedPoolTest, ThePoolRisesBeforeTheLimitsInsideAndFallsAfterThem) {
  StartWithParent();
  Ticks(60);
  actuator_.calls.clear();
  Uses(one_, 3000);
  Ticks(1);
  ASSERT_FALSE(actuator_.calls.empty());
  EXPECT_EQ(actuator_.calls.front().resource, Resource::kMemoryPool);

  Uses(one_, 10);
  std::vector<std::vector<Resource>> rounds;
  for (int i = 0; i < 600; ++i) {
    actuator_.calls.clear();
    Ticks(1);
    std::vector<Resource> round;
    for (const auto& call : actuator_.calls) round.push_back(call.resource);
    if (round.size() > 1 && std::ranges::count(round, Resource::kMemoryPool) > 0)
      rounds.push_back(round);
  }

  ASSERT_FALSE(rounds.empty());
  for (const auto& round : rounds) EXPECT_EQ(round.back(), Resource::kMemoryPool);
}

TEST_F(SharedPoolTest, ARefusalWhereThePoolHasLessRoomThanTheOwnLimitRaisesThePool) {
  StartWithParent();
  Ticks(200);
  actuator_.calls.clear();

  Feed(Event(model::EventKind::kMemoryLimit, one_));

  ASSERT_EQ(actuator_.calls.size(), 1U);
  EXPECT_EQ(actuator_.calls.front().resource, Resource::kMemoryPool);
}

TEST_F(SharedPoolTest, ARefusalAtTheOwnCeilingLeavesThePoolAlone) {
  options_.defaults.max_memory = 600 * kMiB;
  StartWithParent();
  Ticks(200);
  actuator_.calls.clear();

  Feed(Event(model::EventKind::kMemoryLimit, one_));

  EXPECT_EQ(PoolCalls(), 0);
}

TEST_F(SharedPoolTest, WhoWaitsTooLongAtAPoolThatCannotRiseIsLeftToTheKernel) {
  actuator_.original_memory = 1000 * kMiB;
  StartWithParent();
  Ticks(5);
  actuator_.waits.clear();
  host_.Fields(one_).Set(Field::kMemoryUnderOom, 1);
  host_.Fields(two_).Set(Field::kMemoryUnderOom, 1);

  Ticks(105);
  EXPECT_THAT(actuator_.waits, ::testing::ElementsAre(0));  // the pool's, not the workloads'
  host_.Fields(one_).Set(Field::kMemoryUnderOom, 0);
  host_.Fields(two_).Set(Field::kMemoryUnderOom, 0);
  Ticks(1);

  EXPECT_THAT(actuator_.waits, ::testing::ElementsAre(0, 1));
}

TEST_F(SharedPoolTest, AnotherWritersLimitIsTheOwnersFromThenOn) {
  StartWithParent();
  Ticks(5);
  actuator_.answer = actuate::Outcome::kForeign;
  actuator_.foreign_value = 1100 * kMiB;
  Uses(one_, 900);
  Ticks(1);
  actuator_.answer = actuate::Outcome::kApplied;
  actuator_.original_memory = 1100 * kMiB;
  actuator_.calls.clear();

  Ticks(200);
  EXPECT_EQ(PoolCalls(), 0) << "hands off for a while";
  Uses(one_, 590);
  Ticks(200);

  EXPECT_LE(Pool().value_or(0), 1100 * kMiB);
}

TEST_F(SharedPoolTest, InModeRecommendThePoolIsOnlyRecommended) {
  options_.mode = Mode::kRecommend;
  StartWithParent();
  Ticks(5);

  EXPECT_FALSE(Pool());
  EXPECT_THAT(actuator_.adopted, ::testing::IsEmpty());
}

TEST_F(SharedPoolTest, TheHostsCapacityBoundsIt) {
  host_.host().Set(Field::kMemoryAvailableBytes, 100 * kMiB);
  StartWithParent();
  Ticks(5);

  EXPECT_LE(*Pool(), 1100 * kMiB);
}

TEST_F(SharedPoolTest, APoolThatIsRefusedIsTriedAgainLater) {
  actuator_.answer = actuate::Outcome::kRefused;
  StartWithParent();
  Ticks(5);
  ASSERT_EQ(PoolCalls(), 1);

  actuator_.answer = actuate::Outcome::kApplied;
  Ticks(20);

  EXPECT_EQ(PoolCalls(), 2);
}

class ToolPredictionTest : public SharedPoolTest {
 protected:
  ToolPredictionTest() { options_.shared_pool.reset(); }

  void Call(std::uint64_t span, bool begins, const model::WorkloadKey& key) {
    model::Record record =
        Event(begins ? model::EventKind::kToolBegin : model::EventKind::kToolCall, key);
    auto& event = std::get<model::Event>(record.body);
    event.fields.Set(Field::kSpanId, span);
    event.fields.SetText(Field::kProgram, "pytest");
    Feed(record);
  }
};

// Learned from one workload's calls, applied to the exec of another's.
TEST_F(ToolPredictionTest, AnExecRaisesTheLimitBeforeMemoryRises) {
  // The host is too small for headroom, so that only demand raises a limit.
  options_.memory_headroom = {.share = 0, .least = 0};
  StartWithParent();
  for (std::uint64_t span = 1; span <= 20; ++span) {
    Call(span, true, one_);
    Uses(one_, 900);
    Ticks(2);
    Call(span, false, one_);
    Uses(one_, 500);
    Ticks(100);
  }
  Ticks(300);
  const std::int64_t before = Last("/agents/two", Resource::kMemory).value();

  actuator_.calls.clear();
  Call(99, true, two_);

  EXPECT_LT(before, 700 * kMiB);
  EXPECT_GE(Last("/agents/two", Resource::kMemory).value_or(0), 850 * kMiB);
}

// The exec itself is answered; the next tick may be a whole burst away.
TEST_F(ToolPredictionTest, AnExecRaisesTheCpuLimitBeforeItIsThrottled) {
  options_.cpu_headroom = {.share = 0, .least = 0};
  StartWithParent();
  host_.CpuLimit(two_, 400);
  for (std::uint64_t span = 1; span <= 20; ++span) {
    Call(span, true, one_);
    host_.Uses(one_, 1500);
    Ticks(3);
    Call(span, false, one_);
    host_.Uses(one_, 10);
    Ticks(60);
  }
  const std::int64_t before = Last("/agents/two", Resource::kCpu).value_or(400);
  actuator_.calls.clear();
  Events();

  Call(99, true, two_);

  EXPECT_LE(before, 400);
  EXPECT_GE(Last("/agents/two", Resource::kCpu).value_or(0), 1400);
  const auto decisions = Events(model::EventKind::kDecision);
  ASSERT_FALSE(decisions.empty());
  EXPECT_EQ(decisions.back().fields.GetText(Field::kTrigger), "tool_begin");
}

// A raise that the kernel has not asked for yet waits for the budget like any other.
TEST_F(ToolPredictionTest, ExecsSpendTheChangeBudget) {
  options_.changes_per_minute = 1;
  StartWithParent();
  for (std::uint64_t span = 1; span <= 20; ++span) {
    Call(span, true, one_);
    Uses(one_, 900);
    Ticks(2);
    Call(span, false, one_);
    Uses(one_, 500);
    Ticks(10);
  }
  actuator_.calls.clear();

  for (std::uint64_t span = 100; span <= 150; ++span) Call(span, true, two_);

  EXPECT_LE(actuator_.calls.size(), 2U);  // one of each resource
}

TEST_F(ToolPredictionTest, NothingIsPredictedWhereItIsSwitchedOff) {
  options_.learn_tools = false;
  options_.memory_headroom = {.share = 0, .least = 0};
  StartWithParent();
  for (std::uint64_t span = 1; span <= 5; ++span) {
    Call(span, true, one_);
    Uses(one_, 900);
    Ticks(2);
    Call(span, false, one_);
    Uses(one_, 500);
    Ticks(100);
  }
  Ticks(300);
  actuator_.calls.clear();

  Call(99, true, two_);
  Ticks(2);

  EXPECT_FALSE(Last("/agents/two", Resource::kMemory));
}

}  // namespace
}  // namespace ballast::control

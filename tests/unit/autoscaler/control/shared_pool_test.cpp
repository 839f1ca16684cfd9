#include "autoscaler/control/shared_pool.h"

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

TEST_F(SharedPoolTest, AWorkloadMayTakeAllThatIsFree) {
  StartWithParent();
  Ticks(5);

  EXPECT_GT(Last("/agents/one", Resource::kMemory).value(), 3000 * kMiB);
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

TEST_F(SharedPoolTest, WithoutTheParentNoPoolIsWritten) {
  Start();
  Ticks(5);

  EXPECT_FALSE(Pool());
}

TEST_F(SharedPoolTest, AParentThatMayNotBeTouchedIsNotTouched) {
  options_.auto_prefixes = {"/agents/one"};
  options_.rules = {{.prefix = "/agents"}};
  StartWithParent();
  Ticks(5);

  EXPECT_FALSE(Pool());
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

  Call(99, true, two_);
  actuator_.calls.clear();
  host_.Advance(std::chrono::milliseconds(1));
  Ticks(1);

  EXPECT_LT(before, 700 * kMiB);
  EXPECT_GE(Last("/agents/two", Resource::kMemory).value_or(0), 850 * kMiB);
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

// Degrade before kill, as the loop does it; who is chosen is degrader_test.cpp's.
#include "autoscaler/control/degradation.h"

#include <gmock/gmock.h>

#include "tests/unit/autoscaler/control/loop_fixture.h"

namespace ballast::control {
namespace {

using actuate::Outcome;
using actuate::Resource;
using model::Field;
using test::kMiB;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class DegradationTest : public LoopFixture {
 protected:
  DegradationTest() {
    options_.memory_pool = 1000 * kMiB;
    options_.rules.push_back({.prefix = "/agents/agent", .priority = 10});
    options_.rules.push_back({.prefix = "/agents/hog", .max_cpu = 2000});
    agent_ = host_.Add("agent");
    hog_ = host_.Add("hog");
    Uses(agent_, 100);
    Uses(hog_, 100);
  }
  void Uses(const model::WorkloadKey& key, std::uint64_t mib) {
    host_.Fields(key).Set(Field::kMemoryUsageBytes, mib * kMiB);
  }
  bool IsFrozen(const char* path = "/agents/hog") const { return actuator_.frozen.contains(path); }
  // 20 MiB with each tick, until it is frozen or all is gone.
  void GrowUntilFrozen() {
    for (std::uint64_t mib = 100; mib < 900 && !IsFrozen(); mib += 20) {
      Uses(hog_, mib);
      Ticks(1);
    }
  }
  std::vector<std::string> Told(model::EventKind kind) {
    std::vector<std::string> told;
    for (const model::Event& event : Events(kind))
      if (event.fields.GetText(Field::kTrigger) == "memory_short")
        told.emplace_back(event.fields.GetText(Field::kText));
    return told;
  }

  model::WorkloadKey agent_;
  model::WorkloadKey hog_;
};

TEST_F(DegradationTest, AHogIsSlowedThenFrozenWithTheReasonAndTheAgentIsNot) {
  host_.Uses(hog_, 1000);
  Start();
  GrowUntilFrozen();

  ASSERT_TRUE(IsFrozen());
  EXPECT_FALSE(IsFrozen("/agents/agent"));
  EXPECT_EQ(Last("/agents/hog", Resource::kCpu), 50);
  const auto told = Told(model::EventKind::kDecision);
  ASSERT_GE(told.size(), 2U);
  EXPECT_THAT(told.front(), HasSubstr("hog: none -> throttled (twice the reserve"));
  EXPECT_THAT(told.back(), HasSubstr("hog: throttled -> frozen (reserve: "));
}

TEST_F(DegradationTest, ItsCpuStaysLowWhileItIsDegradedAndFollowsDemandAfterwards) {
  host_.Uses(hog_, 1000);
  Start();
  GrowUntilFrozen();
  ASSERT_TRUE(IsFrozen());
  actuator_.calls.clear();
  Ticks(5);
  EXPECT_FALSE(Last("/agents/hog", Resource::kCpu));

  Uses(hog_, 100);
  Ticks(60);

  EXPECT_FALSE(IsFrozen());
  EXPECT_GT(Last("/agents/hog", Resource::kCpu).value_or(0), 900);
}

TEST_F(DegradationTest, ARefusalOfWhoComesFirstFreezesAtOnceWhereNothingIsLeft) {
  Uses(hog_, 830);
  Start();
  Ticks(3);
  ASSERT_FALSE(IsFrozen()) << "it does not grow";
  Uses(hog_, 831);
  Ticks(1);
  host_.Fields(hog_).Set(Field::kMemoryUnderOom, 1);
  Ticks(1);

  Feed(host_.Refused(agent_, model::EventKind::kMemoryLimit));

  EXPECT_TRUE(IsFrozen());
  EXPECT_THAT(Told(model::EventKind::kDecision).back(), HasSubstr("who comes before it waits"));
}

TEST_F(DegradationTest, WithoutPrioritiesNothingIsEverFrozen) {
  options_.rules.clear();
  Start();

  GrowUntilFrozen();

  EXPECT_FALSE(IsFrozen());
}

TEST_F(DegradationTest, OffIsOff) {
  options_.degrade.most = guard::DegradeLevel::kNone;
  Start();

  GrowUntilFrozen();

  EXPECT_FALSE(IsFrozen());
}

TEST_F(DegradationTest, ThrottlingAloneFreezesNobody) {
  options_.degrade.most = guard::DegradeLevel::kThrottled;
  Start();

  GrowUntilFrozen();

  EXPECT_FALSE(IsFrozen());
  EXPECT_EQ(Last("/agents/hog", Resource::kCpu), 50);
}

TEST_F(DegradationTest, ASilentCollectorLeavesNobodyFrozenForLong) {
  Start();
  GrowUntilFrozen();
  ASSERT_TRUE(IsFrozen());

  loop_->OnTime(host_.now() + 9s);
  EXPECT_TRUE(IsFrozen());
  loop_->OnTime(host_.now() + 11s);

  EXPECT_FALSE(IsFrozen());
  EXPECT_THAT(Told(model::EventKind::kDecision).back(), HasSubstr("longest freeze"));
}

TEST_F(DegradationTest, WhatCannotBeFrozenIsThrottledAndSaysWhy) {
  Start();
  Ticks(5);
  actuator_.refuse_freeze = true;

  GrowUntilFrozen();

  EXPECT_FALSE(IsFrozen());
  EXPECT_EQ(Last("/agents/hog", Resource::kCpu), 50);
  bool said = false;
  for (const model::Event& event : Events(model::EventKind::kActuation))
    said = said || event.fields.GetText(Field::kError) == "no freezer";
  EXPECT_TRUE(said);
}

TEST_F(DegradationTest, WhatAnEarlierLoopFrozeIsThawedWhenItIsAdopted) {
  actuator_.frozen.insert("/agents/hog");
  Start();
  Ticks(1);

  EXPECT_FALSE(IsFrozen());
  EXPECT_TRUE(Said("was frozen by an earlier loop"));
}

// A v2 group is slowed at memory.high and not told to wait; its stall is all that shows.
TEST_F(DegradationTest, AStalledAgentCountsAsWaiting) {
  Uses(hog_, 830);
  Start();
  Ticks(3);
  std::uint64_t stalled_ns = 5'000'000'000;
  host_.Fields(agent_).Set(Field::kPressureMemoryFullNs, stalled_ns);
  Ticks(1);
  EXPECT_FALSE(IsFrozen());

  for (int i = 0; i < 20; ++i) {
    Uses(hog_, 831 + static_cast<std::uint64_t>(i) / 4);
    Ticks(1);
  }
  EXPECT_FALSE(IsFrozen()) << "slow growth alone leaves the reserve";
  host_.Fields(agent_).Set(Field::kPressureMemoryFullNs, stalled_ns += 1'500'000'000);
  Uses(hog_, 840);
  Ticks(1);

  EXPECT_TRUE(IsFrozen());
}

}  // namespace
}  // namespace ballast::control

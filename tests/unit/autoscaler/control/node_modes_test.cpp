// What may be done to whom: modes by prefix, the kill switch, and coupling as a choice.

#include <gmock/gmock.h>

#include "autoscaler/control/node_loop.h"
#include "autoscaler/control/node_service.h"
#include "collector/metrics/registry.h"
#include "tests/unit/autoscaler/control/loop_fixture.h"

namespace ballast::control {
namespace {

using actuate::Resource;
using model::EventKind;
using model::Field;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NodeModesTest : public LoopFixture {
 protected:
  // One at work and throttled.
  model::WorkloadKey Throttled(const std::string& name, const std::string& parent = "/agents/") {
    const auto agent = host_.Add(name, parent);
    host_.CpuLimit(agent, 200);
    host_.Uses(agent, 200);
    return agent;
  }
};

TEST_F(NodeModesTest, AnObservedPrefixBelowAnAutoPrefixIsLeftAlone) {
  options_.rules = {{.prefix = "/agents/quiet", .mode = Mode::kObserve}};
  const auto quiet = Throttled("quiet");
  const auto other = Throttled("other");
  Start();
  Ticks(20);
  Feed(host_.Refused(quiet, EventKind::kThrottleBegin));
  Feed(host_.Refused(other, EventKind::kThrottleBegin));

  EXPECT_FALSE(Last("/agents/quiet", Resource::kCpu));
  EXPECT_TRUE(Last("/agents/other", Resource::kCpu));
  EXPECT_THAT(actuator_.adopted, ElementsAre("/agents/other"));
  for (const model::Event& event : Events(EventKind::kDecision))
    EXPECT_NE(event.key, quiet) << "observe says nothing either";
}

TEST_F(NodeModesTest, ARecommendedPrefixBelowAnAutoPrefixIsSpokenAboutAndNotWritten) {
  options_.rules = {{.prefix = "/agents/a", .mode = Mode::kRecommend}};
  const auto agent = Throttled("a");
  Start();
  Ticks(2);
  Events();
  Feed(host_.Refused(agent, EventKind::kThrottleBegin));
  const auto decisions = Events(EventKind::kDecision);

  EXPECT_THAT(actuator_.calls, IsEmpty());
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].rows.at(0).fields.GetText(Field::kMode), "recommend");
  EXPECT_EQ(decisions[0].rows.at(0).fields.GetText(Field::kOutcome), "recommended");
}

TEST_F(NodeModesTest, ARuleOfModeAutoActsUnderModeRecommend) {
  options_.mode = Mode::kRecommend;
  options_.auto_prefixes.clear();
  options_.rules = {{.prefix = "/agents/a", .mode = Mode::kAuto}};
  const auto agent = Throttled("a");
  Throttled("b");
  Start();
  Ticks(2);
  Feed(host_.Refused(agent, EventKind::kThrottleBegin));

  EXPECT_GT(Last("/agents/a", Resource::kCpu).value_or(0), 200);
  for (const auto& call : actuator_.calls) EXPECT_EQ(call.path, "/agents/a");
}

TEST_F(NodeModesTest, WhatTheActuatorMayWriteIsWhatTheLoopWouldWrite) {
  options_.rules = {{.prefix = "/agents/quiet", .mode = Mode::kObserve},
                    {.prefix = "/elsewhere", .mode = Mode::kAuto},
                    {.prefix = "/agents/heavy", .weight = 2}};

  EXPECT_THAT(WritablePrefixes(options_), ElementsAre("/agents", "/elsewhere"));
  EXPECT_THAT(LeftAlone(options_), ElementsAre("/agents/quiet"));
  options_.mode = Mode::kRecommend;
  EXPECT_THAT(WritablePrefixes(options_), ElementsAre("/elsewhere"));
}

TEST_F(NodeModesTest, AStopKeepsWhatIsAppliedAndSaysWhoAskedForIt) {
  const auto agent = Throttled("a");
  Start();
  Ticks(5);
  Events();
  actuator_.calls.clear();
  loop_->Stop("incident 7");
  host_.Uses(agent, 3000);
  Ticks(20);
  Feed(host_.Refused(agent, EventKind::kThrottleBegin));
  Feed(host_.Refused(agent, EventKind::kMemoryLimit));

  EXPECT_THAT(actuator_.calls, IsEmpty());
  EXPECT_STREQ(loop_->holding_kind(), "stopped");
  const auto events = Events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_THAT(std::string(events[0].fields.GetText(Field::kText)), HasSubstr("incident 7"));
}

TEST_F(NodeModesTest, AStoppedLoopSaysNothingOfACollectorThatIsAway) {
  Throttled("a");
  Start();
  loop_->Stop("");
  Events();
  loop_->OnTime(host_.now() + std::chrono::minutes(1));

  EXPECT_STREQ(loop_->holding_kind(), "stopped");
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(NodeModesTest, AStoppedLoopAdoptsNobodyAndContinueDoes) {
  Start();
  loop_->Stop("");
  Throttled("late");
  Feed(host_.Key());
  Ticks(3);
  EXPECT_THAT(actuator_.adopted, IsEmpty());

  loop_->Continue();
  Ticks(3);

  EXPECT_THAT(actuator_.adopted, ElementsAre("/agents/late"));
  EXPECT_EQ(loop_->holding_kind(), nullptr);
  EXPECT_TRUE(Said("deciding again"));
}

TEST_F(NodeModesTest, WhoWaitsAtItsLimitIsLeftToTheKernelWhileStopped) {
  Throttled("a");
  Start();
  Ticks(2);
  actuator_.waits.clear();

  loop_->Stop("");
  EXPECT_THAT(actuator_.waits, ElementsAre(0));
  loop_->Continue();
  EXPECT_THAT(actuator_.waits, ElementsAre(0, 1));
}

TEST_F(NodeModesTest, CoupledWhoIsShortOfCpuIsAllocatedLessMemoryToo) {
  options_.coupling = allocate::Coupling::kDominantShare;
  options_.forecast.memory.half_life_seconds = 1000;
  for (const char* name : {"a", "b"}) {
    const auto agent = host_.Add(name);
    host_.Uses(agent, 4000);
    host_.Fields(agent).Set(Field::kMemoryUsageBytes, 512 * test::kMiB);
  }
  Start();
  Ticks(30);

  bool seen = false;
  for (const model::Event& event : Events(EventKind::kDecision))
    for (const model::EntityRow& row : event.rows) {
      const auto demand = row.fields.Get(Field::kDemandMemoryBytes);
      const auto given = row.fields.Get(Field::kAllocatedMemoryBytes);
      if (!demand || !given || *given >= *demand) continue;
      seen = true;
      EXPECT_THAT(std::string(row.fields.GetText(Field::kBinding)), HasSubstr("coupled"));
      // Never below use, whatever the model says.
      EXPECT_GE(*row.fields.Get(Field::kLimitMemoryBytes), 512U * test::kMiB);
    }
  EXPECT_TRUE(seen);
}

TEST_F(NodeModesTest, CoupledAHostIsFullAtItsWaterLevelInMillicores) {
  options_.coupling = allocate::Coupling::kDominantShare;
  for (const char* name : {"a", "b"}) host_.Uses(host_.Add(name), 4000);
  Start();
  Ticks(100);
  const auto decisions = Events(EventKind::kDecision);

  ASSERT_FALSE(decisions.empty());
  EXPECT_NEAR(decisions.back().fields.GetReal(Field::kWaterLevelCpu).value(), 2000, 1);
  EXPECT_EQ(decisions.back().fields.GetReal(Field::kShadowPriceCpu), 1);
  EXPECT_EQ(Last("/agents/a", Resource::kCpu), 2000);
}

TEST_F(NodeModesTest, ALimitThatIsNotWorthAWriteStaysAndIsCounted) {
  options_.cpu_guards.change_price = 1e9;  // a core for ten days
  metrics::Registry registry;
  const NodeMetrics metrics = NodeMetrics::Make(registry);
  const auto agent = host_.Add("a");
  host_.CpuLimit(agent, 2000);
  host_.Uses(agent, 100);
  loop_ = std::make_unique<NodeLoop>(options_, actuator_, outbox_, metrics);
  Feed(host_.Key());
  Ticks(100);

  EXPECT_FALSE(Last("/agents/a", Resource::kCpu));
  EXPECT_GT(metrics.uneconomic.Value(), 0);
  // What the kernel refuses is answered all the same.
  host_.Uses(agent, 2000);
  Feed(host_.Refused(agent, EventKind::kThrottleBegin));
  EXPECT_GT(Last("/agents/a", Resource::kCpu).value_or(0), 2000);
}

TEST_F(NodeModesTest, HowFarLimitsWereMovedIsCounted) {
  metrics::Registry registry;
  const NodeMetrics metrics = NodeMetrics::Make(registry);
  host_.Uses(host_.Add("a"), 400);
  loop_ = std::make_unique<NodeLoop>(options_, actuator_, outbox_, metrics);
  Feed(host_.Key());
  Ticks(300);

  double down = 0, up = 0, current = 4000;  // unlimited: from the ceiling
  for (const auto& call : actuator_.calls) {
    if (call.resource != Resource::kCpu) continue;
    const auto amount = static_cast<double>(call.amount);
    (amount < current ? down : up) += std::abs(amount - current) / 1000;
    current = amount;
  }
  EXPECT_GT(down, 1);
  EXPECT_NEAR(metrics.changed_cpu[0].Value(), down, 1e-9);
  EXPECT_NEAR(metrics.changed_cpu[1].Value(), up, 1e-9);
  EXPECT_GT(metrics.changed_memory[0].Value(), 0);
}

}  // namespace
}  // namespace ballast::control

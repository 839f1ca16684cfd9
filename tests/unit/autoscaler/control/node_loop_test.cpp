#include "autoscaler/control/node_loop.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/autoscaler/control/loop_fixture.h"

namespace ballast::control {
namespace {

using actuate::Resource;
using model::EventKind;
using model::Field;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

using NodeLoopTest = LoopFixture;

TEST_F(NodeLoopTest, AThrottledWorkloadIsRaisedByTheEventItself) {
  const auto agent = host_.Add("a");
  host_.CpuLimit(agent, 200);
  host_.Uses(agent, 200);
  Start();
  Ticks(2);
  const auto before = Last("/agents/a", Resource::kCpu);

  Feed(host_.Refused(agent, EventKind::kThrottleBegin));

  EXPECT_GT(Last("/agents/a", Resource::kCpu).value_or(0),
            std::max<std::int64_t>(200, before.value_or(0)));
  EXPECT_EQ(loop_->stats().reaction.counts[0], 1U);
}

TEST_F(NodeLoopTest, AMemoryHitRaisesTheMemoryLimitByTheEventItself) {
  const auto agent = host_.Add("a");
  host_.Fields(agent).Set(Field::kMemoryMaxBytes, 64 * test::kMiB);
  host_.Fields(agent).Set(Field::kMemoryUsageBytes, 63 * test::kMiB);
  Start();
  Feed(host_.Refused(agent, EventKind::kMemoryLimit));

  EXPECT_GE(Last("/agents/a", Resource::kMemory).value_or(0), 128 * test::kMiB);
}

TEST_F(NodeLoopTest, AnEventDecidesForItsSubjectAlone) {
  const auto one = host_.Add("a");
  host_.Add("b");
  host_.CpuLimit(one, 200);
  Start();
  actuator_.calls.clear();

  Feed(host_.Refused(one, EventKind::kThrottleBegin));

  ASSERT_FALSE(actuator_.calls.empty());
  for (const auto& call : actuator_.calls) EXPECT_EQ(call.path, "/agents/a");
}

TEST_F(NodeLoopTest, ALimitRisesInABurstAndFallsAfterIt) {
  const auto agent = host_.Add("a");
  Start();
  host_.Uses(agent, 50);
  Ticks(100);
  const std::int64_t quiet = Last("/agents/a", Resource::kCpu).value();
  host_.Uses(agent, 1500);
  Ticks(10);
  const std::int64_t burst = Last("/agents/a", Resource::kCpu).value();
  host_.Uses(agent, 50);
  Ticks(300);
  const std::int64_t after = Last("/agents/a", Resource::kCpu).value();

  EXPECT_GT(burst, 1500);
  EXPECT_LT(quiet, 500);
  EXPECT_LT(after, 500);
}

TEST_F(NodeLoopTest, WithSharedHeadroomEachMayTakeTheWholeHostWhileAllFits) {
  options_.cpu_headroom.shared = true;
  options_.cpu_reserve = 0.05;
  const auto quiet = host_.Add("a");
  const auto busy = host_.Add("b");
  host_.CpuLimit(quiet, 200);
  Start();
  host_.Uses(quiet, 50);
  host_.Uses(busy, 1000);
  Ticks(10);

  // Four cores; what the reserve keeps for the system is nobody's want.
  EXPECT_EQ(Last("/agents/a", Resource::kCpu), 4000);
}

TEST_F(NodeLoopTest, WithSharedHeadroomAFullHostLeavesEveryoneTwiceItsFairShare) {
  options_.cpu_headroom.shared = true;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    const auto agent = host_.Add(name);
    host_.CpuLimit(agent, 100);
    host_.Uses(agent, 1000);
  }
  Start();
  Ticks(200);

  for (const char* path : {"/agents/a", "/agents/b", "/agents/c", "/agents/d", "/agents/e"})
    EXPECT_EQ(Last(path, Resource::kCpu), 1600) << path;
}

// Many were busy a moment ago; what they were does not bound who is busy now.
TEST_F(NodeLoopTest, WithSharedHeadroomTheFairShareIsOfWhatIsWantedNow) {
  options_.cpu_headroom.shared = true;
  std::vector<model::WorkloadKey> agents;
  for (int i = 0; i < 20; ++i) {
    agents.push_back(host_.Add(std::string("a").append(std::to_string(i))));
    host_.Uses(agents.back(), 1000);
  }
  Start();
  Ticks(200);
  const std::int64_t all_busy = Last("/agents/a0", Resource::kCpu).value_or(0);
  for (std::size_t i = 2; i < agents.size(); ++i) host_.Uses(agents[i], 0);
  Ticks(2);

  // Twice a fair share is less than one thread may always take, and a tenth is kept above use.
  EXPECT_EQ(all_busy, 1100);
  EXPECT_EQ(Last("/agents/a0", Resource::kCpu), 4000);
}

// A bound that falls with every full moment would throttle at the next one that is not.
TEST_F(NodeLoopTest, WithSharedHeadroomAFullMomentLowersNothing) {
  options_.cpu_headroom.shared = true;
  const auto one = host_.Add("a");
  const auto two = host_.Add("b");
  Start();
  for (int i = 0; i < 20; ++i) {
    for (const auto& agent : {one, two}) host_.Uses(agent, 3000);
    Ticks(2);
    for (const auto& agent : {one, two}) host_.Uses(agent, 500);
    Ticks(3);
  }

  EXPECT_TRUE(std::ranges::none_of(actuator_.calls, [](const auto& call) {
    return call.resource == Resource::kCpu && call.amount < 4000;
  }));
}

TEST_F(NodeLoopTest, AContendedHostSharesByWeight) {
  options_.rules = {{.prefix = "/agents/heavy", .weight = 3}};
  const auto heavy = host_.Add("heavy");
  const auto light = host_.Add("light");
  Start();
  host_.Uses(heavy, 4000);
  host_.Uses(light, 4000);
  Ticks(100);
  const auto decisions = Events(EventKind::kDecision);

  EXPECT_EQ(Last("/agents/heavy", Resource::kCpu), 3000);
  EXPECT_EQ(Last("/agents/light", Resource::kCpu), 1000);
  ASSERT_FALSE(decisions.empty());
  EXPECT_NEAR(decisions.back().fields.GetReal(Field::kWaterLevelCpu).value(), 1000, 1);
  EXPECT_EQ(decisions.back().fields.GetReal(Field::kShadowPriceCpu), 1);
}

TEST_F(NodeLoopTest, AQuietHostStopsWriting) {
  host_.Uses(host_.Add("a"), 100);
  Start();
  Ticks(300);
  actuator_.calls.clear();

  Ticks(50);

  EXPECT_TRUE(actuator_.calls.empty());
}

TEST_F(NodeLoopTest, RecommendWritesNothingAndSaysEachRecommendationOnce) {
  options_.mode = Mode::kRecommend;
  host_.Uses(host_.Add("a"), 100);
  Start();
  Ticks(300);
  EXPECT_FALSE(Events(EventKind::kDecision).empty());

  Ticks(50);

  EXPECT_TRUE(Events(EventKind::kDecision).empty());
  EXPECT_TRUE(actuator_.calls.empty());
  EXPECT_TRUE(actuator_.adopted.empty());
}

TEST_F(NodeLoopTest, ObserveSaysAndWritesNothing) {
  options_.mode = Mode::kObserve;
  const auto agent = host_.Add("a");
  host_.CpuLimit(agent, 200);
  host_.Uses(agent, 200);
  Start();
  Ticks(50);
  Feed(host_.Refused(agent, EventKind::kThrottleBegin));

  EXPECT_TRUE(Events().empty());
  EXPECT_TRUE(actuator_.calls.empty());
}

TEST_F(NodeLoopTest, WorkloadsOutsideThePrefixesAreNotTouched) {
  host_.Uses(host_.Add("ssh", "/system.slice/"), 3000);
  Start();
  Ticks(50);

  EXPECT_TRUE(actuator_.adopted.empty());
  EXPECT_TRUE(actuator_.calls.empty());
}

TEST_F(NodeLoopTest, ADecisionCarriesItsInputsItsReasonAndItsOutcome) {
  const auto agent = host_.Add("a");
  host_.CpuLimit(agent, 200);
  host_.Uses(agent, 200);
  Start();
  Ticks(2);
  Events();
  Feed(host_.Refused(agent, EventKind::kThrottleBegin));
  const std::vector<model::Event> events = Events();

  ASSERT_EQ(events.size(), 2U);
  const model::FieldSet& decision = events[0].fields;
  EXPECT_EQ(events[0].kind, EventKind::kDecision);
  EXPECT_EQ(decision.GetText(Field::kTrigger), "throttle_begin");
  EXPECT_EQ(decision.Get(Field::kTriggerTimeNs), static_cast<std::uint64_t>(host_.now().count()));
  EXPECT_EQ(decision.Get(Field::kCapacityCpuMillicores), 4000U);
  ASSERT_EQ(events[0].rows.size(), 1U);
  const model::FieldSet& row = events[0].rows[0].fields;
  EXPECT_GT(row.Get(Field::kDemandCpuMillicores).value(), 400U);
  EXPECT_GT(row.Get(Field::kLimitCpuMillicores).value(),
            row.Get(Field::kPreviousCpuMillicores).value());
  EXPECT_EQ(row.GetText(Field::kBinding), "demand");
  EXPECT_EQ(row.GetText(Field::kOutcome), "applied");

  const model::FieldSet& actuation = events[1].fields;
  EXPECT_EQ(events[1].kind, EventKind::kActuation);
  EXPECT_EQ(actuation.GetText(Field::kFile), "/cg/agents/a");
  EXPECT_EQ(actuation.Get(Field::kWrittenTimeNs), static_cast<std::uint64_t>(host_.now().count()));
  EXPECT_EQ(actuation.Get(Field::kDecisionId), decision.Get(Field::kDecisionId));
}

TEST_F(NodeLoopTest, TheSameRecordsGiveTheSameDecisions) {
  const auto run = [] {
    test::HostScript host;
    test::ObedientActuator actuator;
    Outbox outbox;
    NodeOptions options;
    options.mode = Mode::kAuto;
    options.auto_prefixes = {"/agents"};
    NodeLoop loop(options, actuator, outbox);
    const auto agent = host.Add("a");
    const auto feed = [&](const model::Record& record) { loop.OnRecord(record, record.header.at); };
    feed(host.Key());
    for (int i = 0; i < 100; ++i) {
      host.Uses(agent, static_cast<std::uint64_t>(i * 37 % 3000));
      feed(host.Tick());
    }
    std::vector<model::Event> events;
    outbox.Drain([&](const model::Event& event) {
      events.push_back(event);
      return true;
    });
    return events;
  };

  const auto first = run();
  ASSERT_GT(first.size(), 5U);
  EXPECT_EQ(first, run());
}

TEST_F(NodeLoopTest, GrowthIsWrittenBeforeShrinking) {
  const auto sleeper = host_.Add("a");
  const auto worker = host_.Add("b");
  Start();
  host_.Uses(sleeper, 100);
  host_.Uses(worker, 3000);
  Ticks(10);
  host_.Uses(worker, 100);
  Ticks(100);
  host_.Uses(sleeper, 3500);
  actuator_.calls.clear();
  Ticks(1);

  ASSERT_FALSE(actuator_.calls.empty());
  EXPECT_EQ(actuator_.calls.front().path, "/agents/a");
}

}  // namespace
}  // namespace ballast::control

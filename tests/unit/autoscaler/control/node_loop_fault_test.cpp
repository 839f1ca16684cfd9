// What goes wrong around the loop: it must keep what is applied and say so.

#include <gmock/gmock.h>

#include "autoscaler/control/node_loop.h"
#include "tests/unit/autoscaler/control/loop_fixture.h"

namespace ballast::control {
namespace {

using actuate::Outcome;
using actuate::Resource;
using model::EventKind;
using model::Field;
using namespace std::chrono_literals;

class NodeLoopFaultTest : public LoopFixture {
 protected:
  // An agent at work, its limit settled.
  void Settle() {
    agent_ = host_.Add("a");
    Start();
    host_.Uses(agent_, 400);
    Ticks(100);
    actuator_.calls.clear();
    Events();
  }
  model::WorkloadKey agent_;
};

TEST_F(NodeLoopFaultTest, StaleRecordsChangeNothingAndAreSaidOnce) {
  Settle();
  host_.Uses(agent_, 3000);
  for (int i = 0; i < 5; ++i) {
    const model::Record record = host_.Tick();
    loop_->OnRecord(record, record.header.at + 3s);
  }

  EXPECT_TRUE(actuator_.calls.empty());
  EXPECT_EQ(Events(EventKind::kAutoscaler).size(), 1U);
}

TEST_F(NodeLoopFaultTest, AStaleRefusalChangesNothing) {
  Settle();
  const model::Record record = host_.Refused(agent_, EventKind::kThrottleBegin);
  loop_->OnRecord(record, record.header.at + 3s);

  EXPECT_TRUE(actuator_.calls.empty());
}

TEST_F(NodeLoopFaultTest, RecordsOfATimeToComeChangeNothing) {
  Settle();
  host_.Uses(agent_, 3000);
  const model::Record record = host_.Tick();
  loop_->OnRecord(record, record.header.at - 1h);

  EXPECT_TRUE(actuator_.calls.empty());
}

TEST_F(NodeLoopFaultTest, ASilentCollectorIsSaidOnceAndItsReturnToo) {
  Settle();
  loop_->OnTime(host_.now() + 1s);
  EXPECT_EQ(loop_->holding(), "");
  loop_->OnTime(host_.now() + 3s);
  loop_->OnTime(host_.now() + 4s);
  EXPECT_NE(loop_->holding(), "");
  EXPECT_EQ(Events(EventKind::kAutoscaler).size(), 1U);

  Ticks(1);

  EXPECT_EQ(loop_->holding(), "");
  EXPECT_TRUE(Said("deciding again"));
}

TEST_F(NodeLoopFaultTest, NothingIsDecidedBeforeTheFirstKey) {
  agent_ = host_.Add("a");
  loop_ = std::make_unique<NodeLoop>(options_, actuator_, outbox_);
  Ticks(5);
  loop_->OnTime(host_.now());
  EXPECT_EQ(loop_->holding(), "");
  loop_->OnTime(host_.now() + 3s);

  EXPECT_TRUE(actuator_.adopted.empty());
  EXPECT_TRUE(Said("no key record"));
}

TEST_F(NodeLoopFaultTest, ARestartedCollectorLowersNothingAtOnceAndMakesNoSpike) {
  Settle();
  host_.Uses(agent_, 10);
  host_.RestartCollector();
  host_.Fields(agent_).Set(Field::kCpuUsageNs, 900'000'000'000);
  Feed(host_.Key());
  Ticks(2);

  EXPECT_TRUE(actuator_.calls.empty());
  EXPECT_TRUE(Said("the collector began anew"));
}

TEST_F(NodeLoopFaultTest, ANewWorkloadIsNotLoweredBeforeItIsKnown) {
  agent_ = host_.Add("a");
  host_.CpuLimit(agent_, 3000);
  host_.Fields(agent_).Set(Field::kMemoryMaxBytes, 2048 * test::kMiB);
  options_.readings_before_shrink = 20;
  Start();
  Ticks(19);

  EXPECT_TRUE(actuator_.calls.empty());
}

TEST_F(NodeLoopFaultTest, ANewbornIsNotTouchedWhileItsRuntimeMayStillSetItsLimits) {
  const auto agent = host_.Add("a");
  const auto born_ns = static_cast<std::uint64_t>(host_.now().count());
  host_.Fields(agent).Set(Field::kBootRelativeStartNs, born_ns);
  host_.CpuLimit(agent, 200);
  host_.Uses(agent, 200);
  Start();
  Ticks(8);
  const bool touched_at_once = !actuator_.calls.empty();
  Ticks(8);

  EXPECT_FALSE(touched_at_once);
  EXPECT_GT(Last("/agents/a", Resource::kCpu).value_or(0), 200);
}

TEST_F(NodeLoopFaultTest, GuaranteesThatDoNotFitKeepWhatIsAppliedAndSaySoOnce) {
  options_.defaults.min_cpu = 3000;
  host_.Uses(host_.Add("a"), 3900);
  host_.Uses(host_.Add("b"), 3900);
  Start();
  Ticks(1);
  actuator_.calls.clear();
  Events();
  Ticks(10);

  EXPECT_FALSE(Last("/agents/a", Resource::kCpu));
  EXPECT_NE(loop_->holding().find("exceed the capacity"), std::string::npos) << loop_->holding();
  EXPECT_LE(Events(EventKind::kAutoscaler).size(), 1U);
}

TEST_F(NodeLoopFaultTest, AnUnknownHostDecidesNothing) {
  host_.host() = {};
  host_.Uses(host_.Add("a"), 3000);
  Start();
  Ticks(10);

  EXPECT_TRUE(actuator_.calls.empty());
  EXPECT_TRUE(Said("capacity is not known"));
}

TEST_F(NodeLoopFaultTest, AnotherWriterIsLeftAloneForTheCoolDown) {
  Settle();
  actuator_.answer = Outcome::kForeign;
  actuator_.foreign_value = 700;
  host_.Uses(agent_, 3000);
  Ticks(1);
  const std::size_t tried = actuator_.calls.size();
  Ticks(200);

  EXPECT_GE(tried, 1U);
  EXPECT_EQ(actuator_.calls.size(), tried);
}

TEST_F(NodeLoopFaultTest, ARefusedRaiseIsTriedAgainAfterTheCoolDown) {
  Settle();
  actuator_.answer = Outcome::kRefused;
  host_.Uses(agent_, 3000);
  Ticks(8);
  EXPECT_EQ(actuator_.calls.size(), 1U);

  Ticks(5);

  EXPECT_EQ(actuator_.calls.size(), 2U);
}

TEST_F(NodeLoopFaultTest, AnUnadoptedGroupIsNeverWritten) {
  actuator_.adopt_error = Error::Invalid("not this one");
  agent_ = host_.Add("a");
  host_.CpuLimit(agent_, 200);
  Start();
  host_.Uses(agent_, 3000);
  Ticks(20);
  Feed(host_.Refused(agent_, EventKind::kThrottleBegin));

  EXPECT_TRUE(actuator_.calls.empty());
  EXPECT_TRUE(Said("not this one"));
}

TEST_F(NodeLoopFaultTest, RepeatedRefusalsFromBeforeTheAnswerDoNotMultiply) {
  agent_ = host_.Add("a");
  host_.CpuLimit(agent_, 200);
  host_.Uses(agent_, 200);
  Start();
  model::Record first = host_.Refused(agent_, EventKind::kThrottleBegin);
  Feed(first);
  const auto raised = Last("/agents/a", Resource::kCpu);
  for (int i = 0; i < 10; ++i) {
    model::Record again = host_.Refused(agent_, EventKind::kThrottleBegin);
    std::get<model::Event>(again.body)
        .fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(first.header.at.count()));
    Feed(again);
  }

  EXPECT_EQ(Last("/agents/a", Resource::kCpu), raised);
}

TEST_F(NodeLoopFaultTest, EndlessRefusalsStopAtTheCeiling) {
  options_.defaults.max_cpu = 1000;
  agent_ = host_.Add("a");
  host_.CpuLimit(agent_, 200);
  Start();
  for (int i = 0; i < 50; ++i) Feed(host_.Refused(agent_, EventKind::kThrottleBegin));

  EXPECT_EQ(Last("/agents/a", Resource::kCpu), 1000);
}

TEST_F(NodeLoopFaultTest, ADeadWorkloadIsForgotten) {
  Settle();
  Feed(host_.Died(agent_));
  model::Record tick = host_.Tick();
  std::get<model::Tick>(tick.body).rows.resize(1);
  Feed(tick);

  EXPECT_EQ(loop_->workloads(), 0U);
  EXPECT_EQ(actuator_.forgotten.size(), 1U);
}

TEST_F(NodeLoopFaultTest, ALongWaitAtACeilingIsLeftToTheKernelAndTakenBackAfterIt) {
  options_.longest_wait = 2s;
  agent_ = host_.Add("a");
  Start();
  EXPECT_EQ(actuator_.waits, std::vector<std::int64_t>{1});
  host_.Fields(agent_).Set(Field::kMemoryUnderOom, 1);
  Ticks(30);
  EXPECT_EQ(actuator_.waits, (std::vector<std::int64_t>{1, 0}));
  EXPECT_TRUE(Said("waited too long"));

  host_.Fields(agent_).Set(Field::kMemoryUnderOom, 0);
  Ticks(2);

  EXPECT_EQ(actuator_.waits, (std::vector<std::int64_t>{1, 0, 1}));
}

}  // namespace
}  // namespace ballast::control

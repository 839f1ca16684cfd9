// What goes wrong around the loop: it must keep what is applied and say so.

#include <gmock/gmock.h>

#include <random>

#include "autoscaler/control/node_loop.h"
#include "collector/record/frame_reader.h"
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

TEST_F(NodeLoopFaultTest, ARecordOfATimeToComeBlindsNobodyToTheSilenceAfterIt) {
  Settle();
  const model::Record record = host_.Tick();
  loop_->OnRecord(record, record.header.at - 1h);
  Events();
  host_.Advance(-1h);
  Ticks(1);
  EXPECT_EQ(loop_->holding(), "");

  loop_->OnTime(host_.now() + 3s);

  EXPECT_TRUE(Said("no record from the collector"));
}

TEST_F(NodeLoopFaultTest, NothingIsLearnedFromATimeToCome) {
  Settle();
  host_.Uses(agent_, 3000);
  model::Record ahead = host_.Tick();
  ahead.header.at += 1h;
  loop_->OnRecord(ahead, host_.now());
  host_.Uses(agent_, 0);
  Ticks(100);

  EXPECT_LT(Last("/agents/a", Resource::kCpu).value_or(9999), 400) << "the peak to come is held";
}

// CLOCK_BOOTTIME runs on while a host is suspended; its workloads do not.
TEST_F(NodeLoopFaultTest, AfterASuspendNothingIsLoweredBeforeEnoughIsSeenAndItIsSaid) {
  options_.readings_before_shrink = 10;
  Settle();
  host_.Uses(agent_, 0);
  host_.Advance(1h);
  Ticks(9);
  EXPECT_TRUE(actuator_.calls.empty());
  EXPECT_TRUE(Said("no record of 3600.1 s"));

  Ticks(30);

  EXPECT_LT(Last("/agents/a", Resource::kCpu).value_or(9999), 400);
}

TEST_F(NodeLoopFaultTest, AWallClockThatIsSetChangesNothingAndIsSaidOnce) {
  Settle();
  const auto set = [](model::Record record) {
    record.header.wall_offset += 3600s;
    return record;
  };
  for (int i = 0; i < 50; ++i) Feed(set(host_.Tick()));

  EXPECT_TRUE(actuator_.calls.empty());
  const auto said = Events(EventKind::kAutoscaler);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].fields.GetText(Field::kText),
            "the wall clock was set by +3600.0 s: nothing here depends on it");
}

TEST_F(NodeLoopFaultTest, MissingRecordsAreSaidAndWhatTheCountersTellIsAnswered) {
  Settle();
  host_.Uses(agent_, 3000);
  host_.Tick();
  host_.Tick();
  Ticks(1);

  EXPECT_GT(Last("/agents/a", Resource::kCpu).value_or(0), 3000);
  EXPECT_TRUE(Said("records are missing"));
}

// As they come from a socket: one byte of a frame is another, and one frame is cut.
TEST_F(NodeLoopFaultTest, ATornStreamCostsTheTornRecordsOnlyAndIsSaid) {
  Settle();
  record::FrameReader reader;
  const auto arrives = [&](const std::string& bytes) {
    reader.Feed(bytes);
    while (const auto record = reader.Next()) Feed(*record);
  };
  host_.Uses(agent_, 3000);
  std::string flipped = record::EncodeFrame(host_.Tick());
  flipped[flipped.size() / 2] ^= 0x10;
  const std::string cut = record::EncodeFrame(host_.Tick());
  arrives(flipped);
  arrives(cut.substr(0, cut.size() / 2));
  EXPECT_TRUE(actuator_.calls.empty());
  for (int i = 0; i < 3; ++i) arrives(record::EncodeFrame(host_.Tick()));

  EXPECT_GT(Last("/agents/a", Resource::kCpu).value_or(0), 3000);
  EXPECT_GE(reader.counters().damaged_frames, 2U);
  EXPECT_TRUE(Said("records are missing"));
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

TEST_F(NodeLoopFaultTest, ARefusedWriteIsAnEventThatSaysWhy) {
  Settle();
  actuator_.answer = Outcome::kRefused;
  host_.Uses(agent_, 3000);
  Ticks(1);

  const auto written = Events(EventKind::kActuation);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].fields.GetText(Field::kOutcome), "refused");
  EXPECT_EQ(written[0].fields.GetText(Field::kError), "told to");
}

// Removed after the last record: the kernel is the first to say so.
TEST_F(NodeLoopFaultTest, ACgroupThatIsGoneIsSaidAndOthersAreServed) {
  const auto other = host_.Add("b");
  Settle();
  actuator_.gone = "/agents/a";
  host_.Uses(agent_, 3000);
  host_.Uses(other, 900);
  Ticks(5);

  EXPECT_GT(Last("/agents/b", Resource::kCpu).value_or(0), 900);
  const auto tries = std::ranges::count(actuator_.calls, std::string("/agents/a"),
                                        &test::ObedientActuator::Call::path);
  EXPECT_EQ(tries, 1) << "tried again before the cool-down";
  auto written = Events(EventKind::kActuation);
  std::erase_if(written, [&](const model::Event& event) { return event.key != agent_; });
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].fields.GetText(Field::kOutcome), "held");
  EXPECT_EQ(written[0].fields.GetText(Field::kError), "gone");
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

// Everything above in random order. Whatever happens: no memory limit below what is used, none
// above what the host has.
class RandomFaultTest : public LoopFixture, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::int64_t kHostMemory = 4096 * test::kMiB;

  int Draw(int most) { return static_cast<int>(random_() % static_cast<unsigned>(most)); }
  model::WorkloadKey Someone() { return agents_[static_cast<std::size_t>(Draw(4))]; }

  void SomethingHappens() {
    switch (Draw(12)) {
      case 0:
        return host_.Uses(Someone(), static_cast<std::uint64_t>(Draw(4000)));
      case 1:
        host_.Fields(Someone()).Set(Field::kMemoryUsageBytes,
                                    static_cast<std::uint64_t>((1 + Draw(800)) * test::kMiB));
        return;
      case 2:
        return Feed(host_.Refused(Someone(), EventKind::kMemoryLimit));
      case 3:
        return Feed(host_.Refused(Someone(), EventKind::kThrottleBegin));
      case 4:
        actuator_.answer = static_cast<Outcome>(Draw(6));
        actuator_.foreign_value = (1 + Draw(4000)) * test::kMiB;
        return;
      case 5:
        actuator_.answer = Outcome::kApplied;
        return;
      case 6:
        host_.Tick();  // lost
        return;
      case 7:
        host_.Advance(std::chrono::seconds(Draw(100) == 0 ? 3600 : 0));
        return;
      case 8: {
        model::Record record = host_.Tick();
        const auto jump = std::chrono::seconds(Draw(7200) - 3600);
        record.header.at += jump;
        actuator_.now = host_.now();
        loop_->OnRecord(record, host_.now());
        if (jump <= options_.stale_after) Told();
        return;
      }
      case 9:
        if (Draw(20) == 0) host_.RestartCollector();
        Feed(host_.Key());
        return Told();
      case 10:
        return loop_->OnTime(host_.now() + std::chrono::seconds(Draw(5)));
      default:
        Ticks(1 + Draw(20));
        return Told();
    }
  }
  void Told() {
    for (const auto& key : agents_)
      told_[key] = static_cast<std::int64_t>(*host_.Fields(key).Get(Field::kMemoryUsageBytes));
  }

  void ExpectSane() {
    for (const auto& call : actuator_.calls) {
      if (call.resource != Resource::kMemory) continue;
      const auto number = static_cast<std::size_t>(call.path.back() - 'a');
      EXPECT_GE(call.amount, told_[agents_[number]]) << call.path;
      EXPECT_LE(call.amount, kHostMemory + 4 * 800 * test::kMiB) << call.path;
      ++written_;
    }
    actuator_.calls.clear();
  }

  std::mt19937 random_{GetParam()};
  std::vector<model::WorkloadKey> agents_;
  std::map<model::WorkloadKey, std::int64_t> told_;  // memory in use, as the loop last heard
  int written_ = 0;
};

TEST_P(RandomFaultTest, NoLimitBelowUseAndNoneAboveTheHost) {
  for (const char* name : {"a", "b", "c", "d"}) agents_.push_back(host_.Add(name));
  Start();
  Told();
  for (int i = 0; i < 3000; ++i) {
    SomethingHappens();
    ExpectSane();
  }

  EXPECT_GT(written_, 50) << "nothing was tested";
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomFaultTest, ::testing::Range(0U, 20U));

}  // namespace
}  // namespace ballast::control

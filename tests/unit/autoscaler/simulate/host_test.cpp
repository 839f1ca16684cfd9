#include "autoscaler/simulate/host.h"

#include <gtest/gtest.h>

#include "autoscaler/simulate/synthetic.h"

namespace ballast::simulate {
namespace {

constexpr double kMB = 1e6;

// One trace: 100 MB and half a core, then from second 10 to 11 a rise to `high`, to the end at 60.
Trace Burst(double high, double cores = 0.5) {
  Trace trace;
  trace.name = "burst";
  for (int at = 0; at <= 60; ++at)
    trace.samples.push_back({static_cast<double>(at), cores, at <= 10 ? 100 * kMB : high});
  return trace;
}

// A host with one agent whose second task begins at the trace's begin, with these limits.
class OneAgent {
 public:
  explicit OneAgent(Trace trace, HostOptions options = {}) : traces_{std::move(trace)} {
    options.agents = 1;
    host_.emplace(options, traces_);
    while (host_->agents().front().task == 1) host_->Step();
  }
  Host& host() { return *host_; }
  const Agent& agent() const { return host_->agents().front(); }
  void Run(double seconds) {
    for (int i = 0; i < static_cast<int>(seconds * 10 + 0.5); ++i) host_->Step();
  }

 private:
  std::vector<Trace> traces_;
  std::optional<Host> host_;
};

TEST(HostTest, WithoutLimitsTheTraceIsReplayed) {
  OneAgent one(Burst(500 * kMB));

  one.Run(20);

  EXPECT_NEAR(one.agent().used_bytes, 500 * kMB, 1);
  EXPECT_NEAR(one.agent().position, 20, 0.01);
  EXPECT_NEAR(one.agent().cpu_seconds, 10, 0.1);
  EXPECT_EQ(one.host().totals().tasks_violated, 0U);
}

TEST(HostTest, ThrottledWorkIsDoneLater) {
  OneAgent one(Burst(100 * kMB, 1.0));
  one.host().SetFirstLimits(0, {.cpu_cores = 0.25});

  one.Run(20);

  EXPECT_NEAR(one.agent().position, 5, 0.2);
  EXPECT_NEAR(one.agent().cpu_seconds, 5, 0.2);
  EXPECT_NEAR(one.agent().throttled_seconds, 15, 0.2);
}

TEST(HostTest, AQuotaThatAFullHostDoesNotLetItUseUpThrottlesNobody) {
  const std::vector<Trace> traces{Burst(100 * kMB, 1.0)};
  Host host({.agents = 4, .cpu_cores = 2}, traces);
  for (int slot = 0; slot < 4; ++slot) host.SetFirstLimits(slot, {.cpu_cores = 0.75});

  host.Step();

  EXPECT_EQ(host.totals().throttled_seconds, 0);
  EXPECT_FALSE(host.agents().front().cpu_refused);
}

TEST(HostTest, AFullHostSharesItsCpuEvenly) {
  const std::vector<Trace> traces{Burst(100 * kMB, 1.0)};
  Host host({.agents = 4, .cpu_cores = 2}, traces);

  host.Step();

  for (const Agent& agent : host.agents()) EXPECT_NEAR(agent.cpu_cores, 0.5, 1e-9);
  EXPECT_EQ(host.totals().throttled_seconds, 0);
}

TEST(HostTest, MemoryAboveMaxIsAKillAndTheNextTaskBegins) {
  OneAgent one(Burst(500 * kMB));
  one.host().SetFirstLimits(0, {.memory_max = 300 * kMB});
  const std::uint64_t task = one.agent().task;

  one.Run(10.9);

  EXPECT_EQ(one.host().totals().oom_kills, 1U);
  EXPECT_EQ(one.host().totals().tasks_violated, 1U);
  EXPECT_EQ(one.agent().task, task + 1);
}

TEST(HostTest, MemoryAboveHighWaitsUntilTheLimitRises) {
  OneAgent one(Burst(500 * kMB));
  one.host().SetFirstLimits(0, {.memory_high = 300 * kMB});
  one.Run(15);
  EXPECT_LT(one.agent().used_bytes, 350 * kMB);
  EXPECT_LT(one.agent().position, 11);
  EXPECT_GT(one.agent().memory_waited, 3);

  one.host().SetLimits(0, {.memory_high = 600 * kMB});
  one.Run(2);

  EXPECT_NEAR(one.agent().used_bytes, 500 * kMB, 1);
  EXPECT_EQ(one.host().totals().oom_kills, 0U);
  EXPECT_EQ(one.host().totals().tasks_violated, 1U);
}

TEST(HostTest, AShortWaitViolatesNobody) {
  OneAgent one(Burst(500 * kMB));
  one.host().SetFirstLimits(0, {.memory_high = 300 * kMB});
  while (!one.agent().memory_refused) one.host().Step();

  one.host().SetLimits(0, {.memory_high = 600 * kMB}, true);
  one.Run(5);

  EXPECT_GT(one.agent().memory_waited, 0);
  EXPECT_LT(one.agent().memory_waited, kViolatingWaitSeconds);
  EXPECT_EQ(one.host().totals().tasks_violated, 0U);
}

TEST(HostTest, ALimitStandsOneStepAfterItsSampleAndARefusalsAnswerAtOnce) {
  OneAgent one(Burst(100 * kMB));

  one.host().SetLimits(0, {.cpu_cores = 3});
  one.host().Step();
  EXPECT_EQ(one.agent().limits.cpu_cores, kNoLimit);
  one.host().Step();
  EXPECT_EQ(one.agent().limits.cpu_cores, 3);
  one.host().SetLimits(0, {.cpu_cores = 4}, true);
  one.host().Step();
  EXPECT_EQ(one.agent().limits.cpu_cores, 4);
}

TEST(HostTest, ALimitOfATaskThatEndedIsDropped) {
  OneAgent one(Burst(100 * kMB));
  one.Run(59.9);
  const std::uint64_t task = one.agent().task;

  one.host().SetLimits(0, {.memory_max = 1});
  one.Run(1);

  EXPECT_GT(one.agent().task, task);
  EXPECT_EQ(one.agent().limits, Limits{});
  EXPECT_EQ(one.host().totals().oom_kills, 0U);
}

TEST(HostTest, APoolThatMustGrowGrowsLate) {
  OneAgent one(Burst(500 * kMB), {.lend_seconds = 2});
  one.host().SetPool(300 * kMB);
  one.Run(12);
  ASSERT_TRUE(one.host().pool_refused());

  one.host().SetPool(600 * kMB);
  one.Run(1.5);
  EXPECT_LT(one.agent().used_bytes, 350 * kMB);
  one.Run(2);

  EXPECT_NEAR(one.agent().used_bytes, 500 * kMB, 1);
}

TEST(HostTest, APoolShrinksAtOnceAndForgetsWhatItHadAskedFor) {
  OneAgent one(Burst(100 * kMB), {.lend_seconds = 2});
  one.host().SetPool(300 * kMB);
  one.Run(0.2);

  one.host().SetPool(900 * kMB);
  one.host().SetPool(200 * kMB);
  one.Run(5);

  EXPECT_EQ(one.host().pool_high(), 200 * kMB);
}

TEST(HostTest, AnExhaustedHostKillsTheLargest) {
  const std::vector<Trace> traces{Burst(100 * kMB), Burst(900 * kMB)};
  Host host({.agents = 16, .memory_bytes = 3000 * kMB}, traces);

  for (int i = 0; i < 600; ++i) {
    host.Step();
    ASSERT_LE(host.used_bytes(), 3000 * kMB);
    for (const EndedTask& ended : host.ended())
      EXPECT_TRUE(!ended.killed || ended.used_bytes > 100 * kMB);
  }
  EXPECT_GT(host.totals().oom_kills, 0U);
}

TEST(HostTest, UseIsTheSumOfItsAgents) {
  const std::vector<Trace> traces = MakeSynthetic({.count = 20, .seed = 3});
  Host host({.agents = 16}, traces);

  for (int i = 0; i < 3000; ++i) host.Step();

  double sum = 0;
  for (const Agent& agent : host.agents()) sum += agent.used_bytes;
  EXPECT_NEAR(host.used_bytes(), sum, 1);
}

TEST(HostTest, ToolCallsBeginAndEndOnce) {
  Trace trace = Burst(100 * kMB);
  trace.tools = {{5, 8, "pytest"}, {6, 7, "git diff"}};
  OneAgent one(trace);
  std::vector<std::uint64_t> began;
  std::vector<std::uint64_t> ended;

  for (int i = 0; i < 300; ++i) {
    one.host().Step();
    for (const ToolEvent& event : one.host().tools())
      (event.began ? began : ended).push_back(event.span);
  }

  ASSERT_EQ(began.size(), 2U);
  EXPECT_EQ(ended, (std::vector<std::uint64_t>{began[1], began[0]}));
}

}  // namespace
}  // namespace ballast::simulate

#include "autoscaler/simulate/run.h"

#include <gtest/gtest.h>

#include "autoscaler/simulate/synthetic.h"
#include "collector/base/log.h"

namespace ballast::simulate {
namespace {

class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    SetLogLevel(LogLevel::kError);
    options_.policy_options.hours = 0.25;
    options_.policy_options.host.agents = 32;
  }

  Summary RunOf(const std::string& policy, int seeds = 1) {
    options_.policy = policy;
    options_.seeds = seeds;
    const auto summary = simulate::Run(options_, traces_);
    EXPECT_TRUE(summary) << summary.error().ToString();
    return *summary;
  }

  RunOptions options_;
  const std::vector<Trace> traces_ = MakeSynthetic({.count = 40, .seed = 5});
};

TEST_F(RunTest, TheSameSeedGivesTheSameNumbers) {
  options_.policy_options.hours = 0.05;
  for (const PolicyInfo& info : AllPolicies()) {
    SCOPED_TRACE(std::string(info.name));
    const Summary one = RunOf(std::string(info.name));
    const Summary two = RunOf(std::string(info.name));

    EXPECT_EQ(one.slack.mean, two.slack.mean);
    EXPECT_EQ(one.violated_share.mean, two.violated_share.mean);
    EXPECT_EQ(one.resizes_per_task_hour.mean, two.resizes_per_task_hour.mean);
    EXPECT_EQ(one.tasks, two.tasks);
  }
}

TEST_F(RunTest, AnotherSeedGivesOthers) {
  const Summary one = RunOf("oracle-pool");
  options_.policy_options.host.seed = 99;

  EXPECT_NE(one.slack.mean, RunOf("oracle-pool").slack.mean);
}

TEST_F(RunTest, OraclesHarmNobody) {
  EXPECT_EQ(RunOf("oracle-peak").violated_share.mean, 0);
  EXPECT_EQ(RunOf("oracle-pool").violated_share.mean, 0);
}

TEST_F(RunTest, ThePooledOraclesPeakIsItsPool) {
  const Summary pool = RunOf("oracle-pool");

  EXPECT_NEAR(pool.slack.mean, pool.slack_of_peak.mean, 1e-9);
  EXPECT_LT(pool.slack.mean, RunOf("oracle-peak").slack.mean);
}

// The bars of the measures, on traces that no default was chosen by.
TEST_F(RunTest, BallastHarmsFewerThanOnePerCentWithLittleSlack) {
  options_.policy_options.host.agents = 64;
  const Summary ballast = RunOf("ballast");

  EXPECT_LT(ballast.violated_share.mean, 0.01);
  EXPECT_LT(ballast.slack.mean, 0.40);
}

TEST_F(RunTest, LimitsAloneHarmFewerThanOnePerCentWithLittleSlack) {
  options_.policy_options.host.agents = 64;
  const Summary limits = RunOf("ballast-limits");

  EXPECT_LT(limits.violated_share.mean, 0.01);
  EXPECT_LT(limits.slack.mean, 0.45);
}

TEST_F(RunTest, BallastThrottlesNobodyWhereTheHostHasCpu) {
  EXPECT_EQ(RunOf("ballast").throttled_seconds.mean, 0);
}

TEST_F(RunTest, BallastLeavesLessIdleThanEveryLimitPerAgent) {
  const double ballast = RunOf("ballast").slack.mean;

  for (const char* baseline : {"static-peak", "vpa", "autopilot", "reactive", "oracle-peak"})
    EXPECT_LT(ballast, RunOf(baseline).slack.mean) << baseline;
}

TEST(RunOfNothingTest, AgentsThatUseNoMemoryGiveNumbers) {
  SetLogLevel(LogLevel::kError);
  const std::vector<Trace> traces = {{"idle", {{0, 0, 0}, {60, 0, 0}}, {}}};
  RunOptions options;
  options.policy = "static-peak";
  options.policy_options.hours = 0.01;

  const auto summary = simulate::Run(options, traces);

  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->slack.mean, 0);
  EXPECT_EQ(summary->slack_of_peak.mean, 0);
}

TEST_F(RunTest, SeveralSeedsHaveAnInterval) {
  const Summary summary = RunOf("static-peak", 3);

  EXPECT_GT(summary.slack.half_width, 0);
  EXPECT_LT(summary.slack.half_width, 0.2);
  EXPECT_EQ(summary.seeds, 3);
}

TEST_F(RunTest, HostsAddTheirTasks) {
  const std::uint64_t of_one = RunOf("static-peak").tasks;
  options_.hosts = 3;

  EXPECT_GT(RunOf("static-peak").tasks, 2 * of_one);
}

TEST_F(RunTest, GenerosityBuysFewerViolationsWithSlack) {
  options_.policy_options.generosity = 0.5;
  const Summary tight = RunOf("vpa");
  options_.policy_options.generosity = 2;
  const Summary wide = RunOf("vpa");

  EXPECT_GT(tight.violated_share.mean, wide.violated_share.mean);
  EXPECT_LT(tight.slack.mean, wide.slack.mean);
}

TEST_F(RunTest, AStaticLimitHoldsWhatItsSizeSays) {
  options_.policy = "static-peak";
  options_.policy_options.hours = 0.01;
  options_.policy_options.host.agents = 8;
  const auto one = simulate::Run(options_, traces_);
  ASSERT_TRUE(one);
  const double limit = one->peak_reserved_bytes / 8;

  const auto agents = AgentsPerHost(options_, traces_, 20.5 * limit, 1.0);

  ASSERT_TRUE(agents);
  EXPECT_EQ(*agents, 20);
}

TEST_F(RunTest, AnUnknownPolicyIsNamedWithThoseThereAre) {
  options_.policy = "wishful";
  const auto summary = simulate::Run(options_, traces_);

  ASSERT_FALSE(summary);
  EXPECT_NE(summary.error().ToString().find("wishful"), std::string::npos);
  EXPECT_NE(summary.error().ToString().find("autopilot"), std::string::npos);
}

}  // namespace
}  // namespace ballast::simulate

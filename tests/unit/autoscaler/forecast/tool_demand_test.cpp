#include "autoscaler/forecast/tool_demand.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

using namespace std::chrono_literals;

const model::WorkloadKey kOne{1, 0};
const model::WorkloadKey kTwo{2, 0};

// A call of two seconds that grew its workload from 100 by `growth` after one.
void Call(ToolDemand& tools, const model::WorkloadKey& key, std::string_view program,
          double growth) {
  tools.Begin(key, 7, program, 100, 0s);
  tools.Observe(key, 100 + growth, 1s);
  tools.End(key, 7, 2s);
}

TEST(ToolDemandTest, NothingRunsNothingIsExpected) {
  const ToolDemand tools;

  EXPECT_EQ(tools.Expected(kOne, 0s).mean, 0);
  EXPECT_EQ(tools.ExpectedSum(0s).mean, 0);
}

TEST(ToolDemandTest, ACallIsPredictedByThoseOfOtherWorkloads) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "ls", 0);

  tools.Begin(kTwo, 8, "pytest", 100, 0s);

  EXPECT_NEAR(tools.Expected(kTwo, 0s).mean, 900, 60);
  EXPECT_EQ(tools.Expected(kOne, 0s).mean, 0);
}

TEST(ToolDemandTest, AnUnknownProgramIsLikeAllTogether) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, i % 2 == 0 ? "a" : "b", i % 2 == 0 ? 0 : 400);

  tools.Begin(kTwo, 8, "never seen", 100, 0s);

  EXPECT_NEAR(tools.Expected(kTwo, 0s).mean, 200, 20);
  EXPECT_GT(tools.Expected(kTwo, 0s).variance, 0);
}

TEST(ToolDemandTest, WhatHasComeIsNotExpectedAgain) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);
  tools.Begin(kTwo, 8, "pytest", 100, 0s);

  tools.Observe(kTwo, 700, 500ms);

  EXPECT_NEAR(tools.Expected(kTwo, 0s).mean, 300, 60);
}

// An agent's own shell lives on long after what made it grow.
TEST(ToolDemandTest, WhatComesEarlyIsNotExpectedLate) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) {
    tools.Begin(kOne, 7, "sh", 100, 0s);
    tools.Observe(kOne, 1000, 1500ms);
    tools.End(kOne, 7, 600s);
  }
  tools.Begin(kTwo, 8, "sh", 100, 0s);

  EXPECT_NEAR(tools.Expected(kTwo, 0s).mean, 900, 60);
  EXPECT_NEAR(tools.Expected(kTwo, 500ms).mean, 900, 60);
  EXPECT_EQ(tools.Expected(kTwo, 4s).mean, 0);
  EXPECT_EQ(tools.Expected(kTwo, 4s).variance, 0);
}

TEST(ToolDemandTest, OlderThanAnybodyWasNothingIsExpected) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);

  tools.Begin(kTwo, 8, "a server", 100, 0s);

  EXPECT_GT(tools.Expected(kTwo, 1s).mean, 0);
  EXPECT_EQ(tools.Expected(kTwo, 60s).mean, 0);
}

// Most end at once and need nothing; who lives on is of the other kind.
TEST(ToolDemandTest, WhoLivesOnIsLikeThoseThatLivedOn) {
  ToolDemand tools;
  for (int i = 0; i < 500; ++i) {
    const bool is_long = i % 10 == 0;
    tools.Begin(kOne, 7, "python", 100, 0s);
    if (is_long) tools.Observe(kOne, 1000, 5s);
    tools.End(kOne, 7, is_long ? 8s : 50ms);
  }
  tools.Begin(kTwo, 8, "python", 100, 0s);

  EXPECT_NEAR(tools.Expected(kTwo, 0s).mean, 90, 20);
  EXPECT_NEAR(tools.Expected(kTwo, 1s).mean, 900, 60);
}

TEST(ToolDemandTest, WhatComesAfterTheHorizonIsNoConcernOfNow) {
  ToolDemand tools({.horizon_seconds = 10});
  for (int i = 0; i < 50; ++i) {
    tools.Begin(kOne, 7, "make", 100, 0s);
    tools.Observe(kOne, 1000, 100s);
    tools.End(kOne, 7, 200s);
  }
  tools.Begin(kTwo, 8, "make", 100, 0s);

  EXPECT_EQ(tools.Expected(kTwo, 0s).mean, 0);
  EXPECT_GT(tools.Expected(kTwo, 95s).mean, 100);
}

// A shell that becomes the tool it was asked for.
TEST(ToolDemandTest, ACallThatBecomesAnotherProgramIsOneCallOfThat) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "sh", 0);

  tools.Begin(kTwo, 8, "sh", 100, 0s);
  tools.Begin(kTwo, 8, "pytest", 100, 0s);

  EXPECT_NEAR(tools.Expected(kTwo, 0s).mean, 900, 60);
}

TEST(ToolDemandTest, AfterItsEndNothingIsExpected) {
  ToolDemand tools;
  for (int i = 0; i < 5; ++i) Call(tools, kOne, "pytest", 900);
  tools.Begin(kTwo, 8, "pytest", 100, 0s);

  tools.End(kTwo, 8, 1s);

  EXPECT_EQ(tools.Expected(kTwo, 0s).mean, 0);
}

TEST(ToolDemandTest, AWorkloadThatDiedTakesItsCallsWithIt) {
  ToolDemand tools;
  for (int i = 0; i < 5; ++i) Call(tools, kOne, "pytest", 900);
  tools.Begin(kTwo, 8, "pytest", 100, 0s);

  tools.Forget(kTwo);

  EXPECT_EQ(tools.ExpectedSum(0s).mean, 0);
}

TEST(ToolDemandTest, SumsAddMeansAndVariances) {
  ToolDemand tools;
  for (int i = 0; i < 100; ++i) Call(tools, kOne, "pytest", i % 2 == 0 ? 800 : 1000);
  tools.Begin(kOne, 8, "pytest", 100, 0s);
  const Growth one = tools.ExpectedSum(0s);

  tools.Begin(kTwo, 9, "pytest", 100, 0s);

  EXPECT_NEAR(tools.ExpectedSum(0s).mean, 2 * one.mean, 1e-6);
  EXPECT_NEAR(tools.ExpectedSum(0s).variance, 2 * one.variance, 1e-6);
}

TEST(ToolDemandTest, ProgramsAndOpenCallsAreBounded) {
  ToolDemand tools({.most_programs = 8, .most_open_calls = 4});
  for (int i = 0; i < 1000; ++i) Call(tools, kOne, "program-" + std::to_string(i), 1);
  for (std::uint64_t span = 0; span < 1000; ++span) tools.Begin(kTwo, span, "x", 0, 0s);

  EXPECT_LE(tools.programs(), 8U);
  // Four open calls of the same kind expect no more than four times one.
  ToolDemand same({.most_open_calls = 4});
  for (int i = 0; i < 50; ++i) Call(same, kOne, "x", 10);
  for (std::uint64_t span = 0; span < 1000; ++span) same.Begin(kTwo, span, "x", 0, 0s);
  EXPECT_NEAR(same.Expected(kTwo, 0s).mean, 40, 1);
}

}  // namespace
}  // namespace ballast::forecast

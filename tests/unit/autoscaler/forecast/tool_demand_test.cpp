#include "autoscaler/forecast/tool_demand.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

const model::WorkloadKey kOne{1, 0};
const model::WorkloadKey kTwo{2, 0};

// A call that grew its workload from 100 by `growth`.
void Call(ToolDemand& tools, const model::WorkloadKey& key, std::string_view program,
          double growth) {
  tools.Begin(key, 7, program, 100);
  tools.Observe(key, 100 + growth);
  tools.End(key, 7);
}

TEST(ToolDemandTest, NothingRunsNothingIsExpected) {
  const ToolDemand tools;

  EXPECT_EQ(tools.Expected(kOne).mean, 0);
  EXPECT_EQ(tools.ExpectedSum().mean, 0);
}

TEST(ToolDemandTest, ACallIsPredictedByThoseOfOtherWorkloads) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "ls", 0);

  tools.Begin(kTwo, 8, "pytest", 100);

  EXPECT_NEAR(tools.Expected(kTwo).mean, 900, 60);
  EXPECT_EQ(tools.Expected(kOne).mean, 0);
}

TEST(ToolDemandTest, AnUnknownProgramIsLikeAllTogether) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, i % 2 == 0 ? "a" : "b", i % 2 == 0 ? 0 : 400);

  tools.Begin(kTwo, 8, "never seen", 100);

  EXPECT_NEAR(tools.Expected(kTwo).mean, 200, 20);
  EXPECT_GT(tools.Expected(kTwo).variance, 0);
}

TEST(ToolDemandTest, WhatHasComeIsNotExpectedAgain) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);
  tools.Begin(kTwo, 8, "pytest", 100);

  tools.Observe(kTwo, 700);

  EXPECT_NEAR(tools.Expected(kTwo).mean, 300, 60);
}

// A shell that becomes the tool it was asked for.
TEST(ToolDemandTest, ACallThatBecomesAnotherProgramIsOneCallOfThat) {
  ToolDemand tools;
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "pytest", 900);
  for (int i = 0; i < 50; ++i) Call(tools, kOne, "sh", 0);

  tools.Begin(kTwo, 8, "sh", 100);
  tools.Begin(kTwo, 8, "pytest", 100);

  EXPECT_NEAR(tools.Expected(kTwo).mean, 900, 60);
}

TEST(ToolDemandTest, AfterItsEndNothingIsExpected) {
  ToolDemand tools;
  for (int i = 0; i < 5; ++i) Call(tools, kOne, "pytest", 900);
  tools.Begin(kTwo, 8, "pytest", 100);

  tools.End(kTwo, 8);

  EXPECT_EQ(tools.Expected(kTwo).mean, 0);
}

TEST(ToolDemandTest, AWorkloadThatDiedTakesItsCallsWithIt) {
  ToolDemand tools;
  for (int i = 0; i < 5; ++i) Call(tools, kOne, "pytest", 900);
  tools.Begin(kTwo, 8, "pytest", 100);

  tools.Forget(kTwo);

  EXPECT_EQ(tools.ExpectedSum().mean, 0);
}

TEST(ToolDemandTest, SumsAddMeansAndVariances) {
  ToolDemand tools;
  for (int i = 0; i < 100; ++i) Call(tools, kOne, "pytest", i % 2 == 0 ? 800 : 1000);
  tools.Begin(kOne, 8, "pytest", 100);
  const Growth one = tools.ExpectedSum();

  tools.Begin(kTwo, 9, "pytest", 100);

  EXPECT_NEAR(tools.ExpectedSum().mean, 2 * one.mean, 1e-6);
  EXPECT_NEAR(tools.ExpectedSum().variance, 2 * one.variance, 1e-6);
}

TEST(ToolDemandTest, ProgramsAndOpenCallsAreBounded) {
  ToolDemand tools({.most_programs = 8, .most_open_calls = 4});
  for (int i = 0; i < 1000; ++i) Call(tools, kOne, "program-" + std::to_string(i), 1);
  for (std::uint64_t span = 0; span < 1000; ++span) tools.Begin(kTwo, span, "x", 0);

  EXPECT_LE(tools.programs(), 8U);
  // Four open calls of the same kind expect no more than four times one.
  ToolDemand same({.most_open_calls = 4});
  for (int i = 0; i < 50; ++i) Call(same, kOne, "x", 10);
  for (std::uint64_t span = 0; span < 1000; ++span) same.Begin(kTwo, span, "x", 0);
  EXPECT_NEAR(same.Expected(kTwo).mean, 40, 1);
}

}  // namespace
}  // namespace ballast::forecast

#include "autoscaler/guard/node_guards.h"

#include <gtest/gtest.h>

#include "autoscaler/guard/budget.h"
#include "autoscaler/guard/hold_time.h"

namespace ballast::guard {
namespace {

using namespace std::chrono_literals;

// A quiet workload at limit 1000 that may be changed freely.
Proposal Quiet(Amount target) {
  Proposal proposal;
  proposal.current = 1000;
  proposal.target = target;
  proposal.demand = 100;
  proposal.used = 50;
  proposal.ceiling = 4000;
  return proposal;
}

Context Later() {
  Context context;
  context.at = 100s;
  context.history = {.needed_at = 10s, .changed_at = 10s, .held_until = {}, .changes_left = 10};
  context.host_changes_left = 10;
  return context;
}

Proposal Guarded(Proposal proposal, const Context& context, GuardOptions options = {}) {
  return RunGuards(MakeNodeGuards(options), std::move(proposal), context);
}

std::string LastReason(const Proposal& proposal) {
  return proposal.reasons.empty() ? "" : std::string(proposal.reasons.back().rule);
}

TEST(NodeGuardsTest, GrowthGoesThroughAtOnceAndNeedsNoReason) {
  const Proposal safe = Guarded(Quiet(2500), Later());

  EXPECT_EQ(safe.target, 2500);
  EXPECT_TRUE(safe.reasons.empty());
}

TEST(NodeGuardsTest, ShrinkingGoesInSteps) {
  const Proposal safe = Guarded(Quiet(200), Later(), {.shrink_step = 0.25});

  EXPECT_EQ(safe.target, 750);
  EXPECT_EQ(LastReason(safe), "shrink step");
}

TEST(NodeGuardsTest, ShrinkingWaitsAfterTheLimitWasNeeded) {
  Context context = Later();
  context.history.needed_at = 98s;

  const Proposal safe = Guarded(Quiet(200), context, {.shrink_hold = 3s});

  EXPECT_TRUE(safe.keeps());
  EXPECT_EQ(LastReason(safe), "hold after need");
}

TEST(NodeGuardsTest, ShrinkingWaitsBetweenSteps) {
  Context context = Later();
  context.history.changed_at = 99900ms;

  const Proposal safe = Guarded(Quiet(200), context, {.shrink_interval = 500ms});

  EXPECT_TRUE(safe.keeps());
  EXPECT_EQ(LastReason(safe), "shrink interval");
}

TEST(NodeGuardsTest, AWorkloadThatIsNotKnownWellGrowsButDoesNotShrink) {
  Context context = Later();
  context.history.known_well = false;

  EXPECT_TRUE(Guarded(Quiet(200), context).keeps());
  EXPECT_EQ(Guarded(Quiet(2000), context).target, 2000);
}

TEST(NodeGuardsTest, ATargetBelowUseIsLiftedAboveIt) {
  Proposal proposal = Quiet(300);
  proposal.used = 900;

  const Proposal safe = Guarded(proposal, Later(), {.shrink_step = 0.9, .use_margin = 0.05});

  EXPECT_EQ(safe.target, 945);
  EXPECT_EQ(LastReason(safe), "use plus margin");
}

TEST(NodeGuardsTest, AMarginThatDoesNotFitUnderTheLimitKeepsTheLimit) {
  Proposal proposal = Quiet(300);
  proposal.used = 980;

  const Proposal safe = Guarded(proposal, Later(), {.shrink_step = 0.9, .use_margin = 0.10});

  EXPECT_EQ(safe.target, 1000);
}

TEST(NodeGuardsTest, UseAboveTheLimitRaisesTheLimit) {
  Proposal proposal = Quiet(1000);
  proposal.used = 1200;

  const Proposal safe = Guarded(proposal, Later(), {.use_margin = 0.10});

  EXPECT_EQ(safe.target, 1320);
}

TEST(NodeGuardsTest, TheGuaranteeIsTheLeast) {
  Proposal proposal = Quiet(200);
  proposal.floor = 950;

  const Proposal safe = Guarded(proposal, Later(), {.shrink_step = 0.9});

  EXPECT_EQ(safe.target, 950);
}

TEST(NodeGuardsTest, TheCeilingIsTheMost) {
  const Proposal safe = Guarded(Quiet(9000), Later());

  EXPECT_EQ(safe.target, 4000);
  EXPECT_EQ(LastReason(safe), "ceiling");
}

TEST(NodeGuardsTest, UseMayStandAboveTheCeilingButNoMarginDoes) {
  Proposal proposal = Quiet(1000);
  proposal.used = 1200;
  proposal.ceiling = 1000;

  EXPECT_EQ(Guarded(proposal, Later()).target, 1200);
}

TEST(NodeGuardsTest, ASmallMoveIsNotWorthAWrite) {
  EXPECT_TRUE(Guarded(Quiet(1030), Later(), {.deadband = 0.05}).keeps());
  EXPECT_TRUE(Guarded(Quiet(980), Later(), {.deadband = 0.05}).keeps());
}

TEST(NodeGuardsTest, ARefusedWorkloadGetsEvenASmallRaise) {
  Proposal proposal = Quiet(1030);
  proposal.urgent = true;

  EXPECT_EQ(Guarded(proposal, Later(), {.deadband = 0.05}).target, 1030);
}

TEST(NodeGuardsTest, SpentBudgetsKeepTheLimit) {
  struct Row {
    const char* name;
    int workload;
    int host;
    const char* reason;
  };
  for (const Row& row : {Row{"workload", 0, 5, "change budget of the workload"},
                         Row{"host", 5, 0, "change budget of the host"}}) {
    Context context = Later();
    context.history.changes_left = row.workload;
    context.host_changes_left = row.host;

    const Proposal safe = Guarded(Quiet(2500), context);

    EXPECT_TRUE(safe.keeps()) << row.name;
    EXPECT_EQ(LastReason(safe), row.reason) << row.name;
  }
}

TEST(NodeGuardsTest, ARefusedWorkloadDoesNotWaitForTheBudget) {
  Context context = Later();
  context.history.changes_left = 0;
  context.host_changes_left = 0;
  Proposal proposal = Quiet(2500);
  proposal.urgent = true;

  EXPECT_EQ(Guarded(proposal, context).target, 2500);
}

TEST(NodeGuardsTest, CoolDownKeepsEvenAgainstNeed) {
  Context context = Later();
  context.history.held_until = 101s;
  Proposal proposal = Quiet(2500);
  proposal.urgent = true;

  const Proposal safe = Guarded(proposal, context);

  EXPECT_TRUE(safe.keeps());
  EXPECT_EQ(LastReason(safe), "cool-down");
}

TEST(NodeGuardsTest, AnUnlimitedWorkloadStepsDownFromItsCeiling) {
  Proposal proposal = Quiet(200);
  proposal.current = std::nullopt;

  EXPECT_EQ(Guarded(proposal, Later(), {.shrink_step = 0.25}).target, 3000);
}

TEST(NodeGuardsTest, AnUnlimitedWorkloadInCoolDownStaysUnlimited) {
  Context context = Later();
  context.history.held_until = 101s;
  Proposal proposal = Quiet(200);
  proposal.current = std::nullopt;

  EXPECT_TRUE(Guarded(proposal, context).keeps());
}

TEST(BudgetTest, ASpentBudgetRefillsWithTime) {
  Budget budget(2, 10s);
  EXPECT_EQ(budget.Left(100s), 2);
  budget.Spend();
  budget.Spend();

  EXPECT_EQ(budget.Left(101s), 0);
  EXPECT_EQ(budget.Left(106s), 1);
  EXPECT_EQ(budget.Left(1000s), 2);
}

TEST(NodeGuardsTest, AChangeThatGainsLessThanItCostsIsNotMade) {
  Context context = Later();
  context.history.expected_hold = 2s;

  const Proposal kept = Guarded(Quiet(900), context, {.change_price = 201});
  const Proposal made = Guarded(Quiet(900), context, {.change_price = 200});

  EXPECT_TRUE(kept.keeps());
  ASSERT_FALSE(kept.reasons.empty());
  EXPECT_EQ(ToString(kept.reasons.back()),
            "economic test: 1000 (gains 200, costs 201 unit-seconds)");
  EXPECT_EQ(made.target, 900);
}

TEST(NodeGuardsTest, WhatIsLoweredForLongIsWorthALittleToo) {
  Context context = Later();
  context.history.expected_hold = 60s;

  EXPECT_EQ(Guarded(Quiet(900), context, {.change_price = 201}).target, 900);
}

TEST(NodeGuardsTest, GrowthThatDemandNeedsIsNeverPutToTheEconomicTest) {
  Proposal proposal = Quiet(1100);
  proposal.demand = 900;

  EXPECT_EQ(Guarded(proposal, Later(), {.change_price = 1e12}).target, 1100);
}

TEST(NodeGuardsTest, ARefusedWorkloadIsNeverPutToTheEconomicTest) {
  Proposal proposal = Quiet(1100);
  proposal.urgent = true;

  EXPECT_EQ(Guarded(proposal, Later(), {.change_price = 1e12}).target, 1100);
}

TEST(NodeGuardsTest, RoomThatNothingNeedsYetIsPutToTheEconomicTest) {
  EXPECT_TRUE(Guarded(Quiet(1100), Later(), {.change_price = 1e12}).keeps());
}

TEST(NodeGuardsTest, UseAboveTheLimitOverrulesTheEconomicTest) {
  Proposal proposal = Quiet(900);
  proposal.used = 1200;

  EXPECT_EQ(Guarded(proposal, Later(), {.use_margin = 0.10, .change_price = 1e12}).target, 1320);
}

TEST(HoldTimeTest, ALimitThatRisesAgainSoonIsExpectedToDoSoAgain) {
  HoldTime hold;
  EXPECT_EQ(hold.Expected(0s), HoldTime::Seconds(10));
  for (int i = 0; i < 20; ++i) {
    hold.Lowered(BootTime(10s * i));
    hold.Raised(BootTime(10s * i + 500ms));
  }

  EXPECT_NEAR(hold.Expected(1000s).count(), 0.5, 0.01);
}

TEST(HoldTimeTest, StepsDownAreOneFallAndWhatIsDownLongStaysDown) {
  HoldTime hold;
  hold.Lowered(100s);
  hold.Lowered(101s);

  EXPECT_EQ(hold.Expected(102s), HoldTime::Seconds(10));
  EXPECT_EQ(hold.Expected(160s), HoldTime::Seconds(60));
  hold.Raised(200s);
  EXPECT_NEAR(hold.Expected(200s).count(), 10 + 0.3 * (100 - 10), 1e-9);
}

TEST(NodeGuardsTest, AReasonPrintsItsRuleAndValue) {
  EXPECT_EQ(ToString({"ceiling", 4000}), "ceiling: 4000");
}

}  // namespace
}  // namespace ballast::guard

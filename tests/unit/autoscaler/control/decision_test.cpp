#include "autoscaler/control/decision.h"

#include <gtest/gtest.h>

namespace ballast::control {
namespace {

using model::Field;

Change Example(actuate::Resource resource, std::optional<std::int64_t> current,
               std::int64_t target) {
  Change change;
  change.name = "agent-7";
  change.ref = model::EntityRef{7};
  change.group = {{4711, 0}, "/agents/7"};
  change.resource = resource;
  change.binding = allocate::Binding::kWaterLevel;
  change.proposal.current = current;
  change.proposal.target = target;
  return change;
}

TEST(DecisionTest, AChangeReadsAsASentence) {
  Change change = Example(actuate::Resource::kCpu, 200, 1400);
  change.proposal.reasons.push_back({"ceiling", 1400});

  EXPECT_EQ(Describe(change), "cpu 200m -> 1400m (water_level; ceiling: 1400)");
  EXPECT_EQ(Describe(Example(actuate::Resource::kMemory, std::nullopt, 64 << 20)),
            "memory unlimited -> 64.0MiB (water_level)");
}

TEST(DecisionTest, BothLimitsOfAWorkloadShareOneRow) {
  Decision decision;
  decision.changes = {Example(actuate::Resource::kCpu, 200, 1400),
                      Example(actuate::Resource::kMemory, std::nullopt, 4096)};

  const model::Event event = ToEvent(decision);

  ASSERT_EQ(event.rows.size(), 1U);
  EXPECT_EQ(event.rows[0].fields.Get(Field::kLimitCpuMillicores), 1400U);
  EXPECT_EQ(event.rows[0].fields.Get(Field::kPreviousMemoryBytes), model::kUnlimited);
  EXPECT_EQ(event.rows[0].fields.GetText(Field::kBinding), "water_level; water_level");
}

TEST(DecisionTest, EveryOutcomeHasItsWord) {
  struct Row {
    actuate::Outcome outcome;
    const char* word;
  };
  for (const Row& row :
       {Row{actuate::Outcome::kApplied, "applied"}, Row{actuate::Outcome::kUnchanged, "applied"},
        Row{actuate::Outcome::kForeign, "held"}, Row{actuate::Outcome::kGone, "held"},
        Row{actuate::Outcome::kRefused, "refused"}, Row{actuate::Outcome::kFailed, "failed"}}) {
    Change change = Example(actuate::Resource::kCpu, 200, 1400);
    EXPECT_STREQ(OutcomeOf(change), "recommended");
    change.done = actuate::Actuation{.outcome = row.outcome,
                                     .file = {},
                                     .before = {},
                                     .after = {},
                                     .error = {},
                                     .in_force = {},
                                     .written_at = {}};
    EXPECT_STREQ(OutcomeOf(change), row.word);
  }
}

}  // namespace
}  // namespace ballast::control

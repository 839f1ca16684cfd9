#include "dashboards/cli/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "autoscaler/control/decision.h"
#include "collector/serve/record_json.h"
#include "dashboards/cli/collector_events.h"

namespace ballast::cli {
namespace {

using control::Change;
using control::Decision;
using model::Field;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

// What a collector records of an autoscaler's decisions: made by the autoscaler's own code, so that
// texts that it words differently one day fail here.
class ExplanationTest : public ::testing::Test {
 protected:
  ExplanationTest() {
    model::Key key;
    key.entities.push_back({model::kHostRef, model::EntityKind::kHost, {}, {}, {}});
    model::FieldSet fields;
    fields.SetText(Field::kPath, "/agents/7");
    fields.SetText(Field::kName, "agent-7");
    fields.Set(Field::kCgroupId, 4711);
    fields.Set(Field::kHierarchyId, 0);
    key.entities.push_back({model::EntityRef{7}, model::EntityKind::kContainer, {}, fields, {}});
    records_.push_back({Header(), key});
  }

  model::RecordHeader Header() {
    header_.at += 100ms;
    ++header_.sequence;
    return header_;
  }
  static Change ChangeOf(actuate::Resource resource, std::optional<std::int64_t> current,
                         std::int64_t target, std::vector<guard::Reason> reasons) {
    Change change;
    change.name = "agent-7";
    change.ref = model::EntityRef{7};
    change.group = {{4711, 0}, "/agents/7"};
    change.resource = resource;
    change.mode = control::Mode::kAuto;
    change.binding = resource == actuate::Resource::kCpu ? allocate::Binding::kWaterLevel
                                                         : allocate::Binding::kDemand;
    change.demand = 1500;
    change.allocated = 950;
    change.guarantee = 50;
    change.ceiling = 4000;
    change.weight = 2;
    change.proposal.current = current;
    change.proposal.target = target;
    change.proposal.reasons = std::move(reasons);
    return change;
  }
  // CPU falls, memory rises, so memory comes first in the decision; each was written.
  Decision Example(std::uint64_t id) {
    Decision decision;
    decision.id = id;
    decision.at = header_.at;
    decision.mode = control::Mode::kAuto;
    decision.trigger = {.what = "memory_limit", .subject = std::nullopt, .refused_at = header_.at};
    decision.cpu = control::Pool{3800, 475, 1, 3800};
    decision.memory = control::Pool{1 << 30, INFINITY, 0, 1 << 20};
    decision.changes = {ChangeOf(actuate::Resource::kMemory, 1 << 20, 64 << 20, {}),
                        ChangeOf(actuate::Resource::kCpu, 1600, 1320,
                                 {{"shrink step", 1200},
                                  {"economic test", 1600, guard::Reason::Trade{40, 50}},
                                  {"use plus margin", 1320}})};
    for (Change& change : decision.changes) {
      change.owner = "docker";
      change.done = actuate::Actuation{};
      change.done->outcome = actuate::Outcome::kApplied;
      change.done->file = change.resource == actuate::Resource::kCpu ? "cpu.max" : "memory.high";
      change.done->before = "old";
      change.done->after = "new";
      change.done->written_at = header_.at + 2ms;
    }
    return decision;
  }
  void Record(const Decision& decision) {
    records_.push_back({Header(), control::ToEvent(decision)});
    for (const Change& change : decision.changes)
      if (change.done) records_.push_back({Header(), control::ToActuationEvent(decision, change)});
  }
  Explainer Explain(Explainer::Wish wish) const {
    Explainer explainer(std::move(wish));
    for (const model::Record& record : records_) explainer.Add(record);
    return explainer;
  }

  model::RecordHeader header_{.host = "h",
                              .boot_id = "b",
                              .incarnation = 1,
                              .sequence = 0,
                              .at = 1h,
                              .wall_offset = std::chrono::hours(24 * 365)};
  std::vector<model::Record> records_;
};

TEST_F(ExplanationTest, ADecisionIsFoundByItsNumberWithAllThatWentIntoIt) {
  Record(Example(16));
  Record(Example(17));
  const Explainer explainer = Explain({.id = 17, .workload = {}});

  ASSERT_THAT(explainer.found(), SizeIs(1));
  const Explanation& one = explainer.found()[0];
  EXPECT_EQ(one.trigger, "memory_limit");
  ASSERT_THAT(one.pools, SizeIs(2));
  EXPECT_EQ(one.pools[0].water_level, 475);
  EXPECT_TRUE(std::isinf(one.pools[1].water_level));
  ASSERT_THAT(one.workloads, SizeIs(1));
  EXPECT_EQ(one.workloads[0].name, "agent-7");
  EXPECT_EQ(one.workloads[0].path, "/agents/7");
  EXPECT_EQ(one.workloads[0].weight, 2);
}

TEST_F(ExplanationTest, ReasonsBelongToTheirLimitAndKeepTheirOrder) {
  Record(Example(17));
  const Explainer explainer = Explain({.id = 17, .workload = {}});

  const auto& limits = explainer.found().at(0).workloads.at(0).limits;
  ASSERT_THAT(limits, SizeIs(2));
  EXPECT_EQ(limits[0].resource, "cpu");
  EXPECT_EQ(limits[0].binding, "water_level");
  EXPECT_THAT(
      limits[0].reasons,
      ElementsAre("shrink step: 1200", "economic test: 1600 (gains 40, costs 50 unit-seconds)",
                  "use plus margin: 1320"));
  EXPECT_EQ(limits[1].binding, "demand");
  EXPECT_THAT(limits[1].reasons, IsEmpty());
}

TEST_F(ExplanationTest, WhatWasWrittenAndHowSoonComesFromTheActuation) {
  Record(Example(17));
  const Explainer explainer = Explain({.id = 17, .workload = {}});

  const ExplainedLimit& memory = explainer.found().at(0).workloads.at(0).limits.at(1);
  EXPECT_EQ(memory.outcome, "applied");
  EXPECT_EQ(memory.file, "memory.high");
  EXPECT_EQ(memory.value_after, "new");
  EXPECT_EQ(memory.reaction_ns, 2'000'000);
}

TEST_F(ExplanationTest, ARecommendationHasNoWrite) {
  Decision decision = Example(17);
  for (Change& change : decision.changes) {
    change.mode = control::Mode::kRecommend;
    change.done.reset();
  }
  Record(decision);
  const Explainer explainer = Explain({.id = 17, .workload = {}});

  const ExplainedLimit& cpu = explainer.found().at(0).workloads.at(0).limits.at(0);
  EXPECT_EQ(cpu.outcome, "recommended");
  EXPECT_EQ(cpu.file, "");
  EXPECT_FALSE(cpu.reaction_ns);
}

TEST_F(ExplanationTest, AnotherStartOfTheCountDoesNotMixItsWrites) {
  Record(Example(17));
  Decision later = Example(17);
  later.changes.pop_back();
  Record(later);
  const Explainer explainer = Explain({.id = 17, .workload = {}});

  ASSERT_THAT(explainer.found(), SizeIs(2));
  EXPECT_THAT(explainer.found()[0].workloads.at(0).limits, SizeIs(2));
  EXPECT_THAT(explainer.found()[1].workloads.at(0).limits, SizeIs(1));
}

TEST_F(ExplanationTest, WhatIsNotThereIsSaidWithWhatIs) {
  Record(Example(16));
  Record(Example(17));
  const Explainer explainer = Explain({.id = 99, .workload = {}});

  EXPECT_THAT(explainer.found(), IsEmpty());
  EXPECT_EQ(explainer.first_id(), 16U);
  EXPECT_EQ(explainer.last_id(), 17U);
}

TEST_F(ExplanationTest, AWorkloadIsMeantByItsNameOrItsPath) {
  Record(Example(17));

  for (const char* who : {"agent-7", "/agents/7"})
    EXPECT_THAT(Explain({.id = {}, .workload = who}).found(), SizeIs(1)) << who;
  EXPECT_THAT(Explain({.id = {}, .workload = "agent-8"}).found(), IsEmpty());
}

TEST_F(ExplanationTest, TheTextSaysModelGuardsOutcomeAndReaction) {
  Record(Example(17));
  const std::string text = ToText(Explain({.id = 17, .workload = {}}).found().at(0));

  for (const char* said :
       {"decision 17 of node on h at 1971-01-01T01:00:00.200Z, mode auto",
        "because of memory_limit, refused by the kernel at 1971-01-01T01:00:00.100Z",
        "cpu     3800m to share, full at a water level of 475m per unit of weight; one unit more "
        "is "
        "worth 1",
        "memory  1024.0 MiB to share, nobody is short", "agent-7 (/agents/7), weight 2, mode auto",
        "the model gives 950m: its share of what is scarce (water_level)",
        "guard: shrink step: 1200", "limit 1600m -> 1320m: applied",
        "memory.high: old -> new, through docker", "in force 2.00 ms after the kernel's refusal"})
    EXPECT_THAT(text, HasSubstr(said));
}

TEST_F(ExplanationTest, JsonHasTheSameAndSaysMaxForNoLimit) {
  Decision decision = Example(17);
  decision.changes[0].proposal.current.reset();
  std::swap(decision.changes[0], decision.changes[1]);  // what falls comes last
  Record(decision);
  const std::string line = ToJson(Explain({.id = 17, .workload = {}}).found().at(0));
  const auto json = boost::json::parse(line).as_object();

  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_EQ(json.at("decision_id").to_number<int>(), 17);
  EXPECT_EQ(json.at("model").at("cpu").at("water_level").to_number<double>(), 475);
  EXPECT_EQ(json.at("model").at("memory").at("water_level"), "inf");
  const auto& workload = json.at("workloads").as_array().at(0);
  EXPECT_EQ(workload.at("cpu").at("reasons").as_array().size(), 3U);
  EXPECT_EQ(workload.at("memory").at("before"), "max");
  EXPECT_EQ(workload.at("memory").at("reaction_ns").to_number<int>(), 2'000'000);
}

TEST_F(ExplanationTest, ACollectorsAnswerExplainsTheSameAsItsRecording) {
  Decision decision = Example(17);
  decision.changes[0].proposal.current.reset();
  Record(decision);
  model::State state;
  std::vector<std::string> events;
  for (const model::Record& record : records_) {
    state.Apply(record);
    const auto* event = std::get_if<model::Event>(&record.body);
    if (event == nullptr) continue;
    std::string one;
    serve::JsonWriter writer(one);
    serve::WriteEvent(writer, record, *event, state);
    events.push_back(one);
  }
  std::string answer = R"({"events":[)";
  for (auto one = events.rbegin(); one != events.rend(); ++one)  // newest first
    answer += (one == events.rbegin() ? "" : ",") + *one;
  const auto fetched = RecordsFromEvents(answer + "]}");
  ASSERT_TRUE(fetched) << fetched.error().ToString();
  Explainer asked({.id = 17, .workload = {}});
  for (const model::Record& record : *fetched) asked.Add(record);

  const Explainer read = Explain({.id = 17, .workload = {}});
  Explanation here = read.found().at(0);
  ASSERT_THAT(asked.found(), SizeIs(1));
  Explanation there = asked.found()[0];
  here.host = there.host = "";  // an answer does not say
  here.incarnation = there.incarnation = 0;
  EXPECT_EQ(ToText(there), ToText(here));
  EXPECT_EQ(ToJson(there), ToJson(here));
}

TEST(CollectorEventsTest, WhatIsNoAnswerIsSaid) {
  for (const char* text : {"", "{}", "[]", R"({"events":{}})", R"({"events":[)"}) {
    const auto records = RecordsFromEvents(text);

    ASSERT_FALSE(records) << text;
    EXPECT_THAT(records.error().ToString(), HasSubstr("no events")) << text;
  }
}

}  // namespace
}  // namespace ballast::cli

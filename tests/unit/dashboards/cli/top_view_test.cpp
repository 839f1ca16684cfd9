#include "dashboards/cli/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/synthetic_records.h"

namespace ballast::cli {
namespace {

using model::Field;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::size_t kWidth = 140, kHeight = 16;

class TopViewTest : public ::testing::Test {
 protected:
  TopViewTest() {
    model_.Apply(host_.Key());
    for (int i = 0; i < 15; ++i) model_.Apply(host_.NextTick());
  }
  std::vector<Line> Draw(std::size_t width = kWidth, std::size_t height = kHeight) {
    return view_.Draw(model_, width, height, "");
  }
  std::string Text(std::size_t width = kWidth, std::size_t height = kHeight) {
    std::string text;
    for (const Line& line : Draw(width, height)) text += PlainText(line) + "\n";
    return text;
  }
  std::string Selected() {
    for (const Line& line : Draw())
      if (line.is_selected) return PlainText(line);
    return "";
  }
  bool Type(std::string_view letters) {
    bool goes_on = true;
    for (const char letter : letters) goes_on = view_.Handle({TopKey::kText, letter}, model_);
    return goes_on;
  }
  void Push(TopKey key) { EXPECT_TRUE(view_.Handle({key}, model_)); }

  test::SyntheticHost host_{{.workloads = 30, .active_share = 1}};
  TopModel model_;
  TopView view_{{.sort = SortBy::kName, .is_tree = false}};
};

TEST_F(TopViewTest, FillsTheScreenExactly) {
  for (const std::size_t height : {3, 4, 16, 60}) EXPECT_EQ(Draw(kWidth, height).size(), height);
  EXPECT_EQ(Draw(kWidth, 1).size(), 1U);
}

TEST_F(TopViewTest, EightyColumnsShowEveryNumber) {
  EXPECT_THAT(Text(80), AllOf(HasSubstr(" THR "), HasSubstr(" WAIT99  OOM")));
  EXPECT_THAT(Text(80), Not(HasSubstr("|")));
}

TEST_F(TopViewTest, PeaksComeBeforeMeters) {
  EXPECT_THAT(Text(90), Not(HasSubstr("PEAK")));
  EXPECT_THAT(Text(100), AllOf(HasSubstr("    CPU   PEAK  LIMIT      MEM     PEAK    LIMIT"),
                               Not(HasSubstr("|"))));
}

TEST_F(TopViewTest, WideTerminalAddsMetersAndThenTheLastMinute) {
  EXPECT_THAT(Text(140), AllOf(HasSubstr("|"), HasSubstr("DECISION"), Not(HasSubstr("MINUTE"))));
  EXPECT_THAT(Text(160), AllOf(HasSubstr("LAST MINUTE"), HasSubstr("DECISION")));
}

TEST_F(TopViewTest, NoLineIsWiderThanTheTerminal) {
  for (const std::size_t width : {1, 20, 80, 200})
    for (const Line& line : Draw(width)) {
      std::size_t columns = 0;
      for (const Piece& piece : line.pieces)
        for (const char c : piece.text) columns += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      EXPECT_LE(columns, width) << PlainText(line);
    }
}

TEST_F(TopViewTest, SelectionMovesAndScrollsIntoSight) {
  Type("j");
  EXPECT_THAT(Selected(), StartsWith("agent-1 "));
  Type("jj");
  EXPECT_THAT(Selected(), StartsWith("agent-11 "));
  Type("G");
  EXPECT_THAT(Selected(), StartsWith("agent-9 "));
  Push(TopKey::kHome);
  EXPECT_THAT(Selected(), StartsWith("agent-1 "));
}

TEST_F(TopViewTest, SelectionStaysWithItsWorkloadWhenTheOrderChanges) {
  Type("jjj");
  const std::string before = Selected();

  Type("r");

  EXPECT_EQ(Selected(), before);
}

TEST_F(TopViewTest, EnterOpensAWorkloadAndEscapeLeavesIt) {
  Type("j");
  Push(TopKey::kEnter);
  EXPECT_THAT(Text(), AllOf(HasSubstr("agent-1  container  /ballast-demo/agent-1"),
                            HasSubstr("run-queue wait p99"), Not(HasSubstr("WORKLOAD"))));

  Push(TopKey::kEscape);

  EXPECT_THAT(Text(), HasSubstr("WORKLOAD"));
}

TEST_F(TopViewTest, WorkloadThatEndedIsSaidToHave) {
  Type("j");
  Push(TopKey::kEnter);

  model_.Apply(host_.Death(model::EntityRef{1}));

  EXPECT_THAT(Text(), HasSubstr("it has ended"));
}

TEST_F(TopViewTest, EnterFoldsASlice) {
  Type("Tjj");
  ASSERT_THAT(Selected(), HasSubstr("- /ballast-demo"));

  Push(TopKey::kEnter);

  EXPECT_THAT(Selected(), HasSubstr("+ /ballast-demo"));
  EXPECT_THAT(Text(), Not(HasSubstr("agent-1")));
}

TEST_F(TopViewTest, FilterTakesLettersThatAreKeysElsewhere) {
  Type("/agent-1q");
  Push(TopKey::kErase);
  Type("2");
  Push(TopKey::kEnter);

  EXPECT_THAT(Text(), AllOf(HasSubstr("filter: agent-12"), HasSubstr("agent-12 "),
                            Not(HasSubstr("agent-13"))));
  Push(TopKey::kEscape);
  EXPECT_THAT(Text(), AllOf(Not(HasSubstr("filter:")), HasSubstr("agent-13")));
}

TEST_F(TopViewTest, HelpTellsKeysAndAnyKeyLeavesIt) {
  Type("?");
  EXPECT_THAT(Text(), HasSubstr("sort by CPU, memory, throttled, wait, name"));

  Type("x");

  EXPECT_THAT(Text(), HasSubstr("WORKLOAD"));
}

TEST_F(TopViewTest, QuitLeavesFromTableAndWorkload) {
  EXPECT_FALSE(Type("q"));
  Type("j");
  Push(TopKey::kEnter);
  EXPECT_FALSE(Type("q"));
}

TEST_F(TopViewTest, CollectorThatIsAwayIsSaid) {
  const auto lines = view_.Draw(model_, kWidth, kHeight, "no collector: connection refused");

  EXPECT_THAT(PlainText(lines[0]), HasSubstr("no collector: connection refused"));
}

TEST_F(TopViewTest, DecisionIsInTheTableAndExplainedInDepth) {
  model::Event event{model::EventKind::kDecision, model::EntityRef{1}, {}, {}, {}};
  model::EntityRow row{model::EntityRef{1}, {}, {}, {}, {}};
  row.fields.SetText(Field::kOutcome, "applied; applied");
  row.fields.SetText(Field::kReason, "water_level; grow at once");
  row.fields.Set(Field::kDemandCpuMillicores, 1250);
  event.rows.push_back(row);
  model::Record record{host_.state().header(), event};
  ++record.header.sequence;
  model_.Apply(record);

  EXPECT_THAT(Text(200), HasSubstr("applied water_level; grow at once"));
  Type("j");
  Push(TopKey::kEnter);
  EXPECT_THAT(Text(kWidth, 30), HasSubstr("1250m"));
}

}  // namespace
}  // namespace ballast::cli

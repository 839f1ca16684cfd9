#include "dashboards/cli/top_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::cli {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::EntityRow;
using model::Field;
using ::testing::ElementsAre;
using namespace std::chrono_literals;

// Three agents in two slices; the second tick says what each used in a second.
class TopRowsTest : public ::testing::Test {
 protected:
  TopRowsTest() {
    EntityRow host{model::kHostRef, EntityKind::kHost, {}, {}, {}};
    host.fields.Set(Field::kCpusOnline, 4);
    model::Key key{{host, Agent(1, "/a/one"), Agent(2, "/b/two"), Agent(3, "/a/three")}, {}};
    Apply(std::move(key));
    header_.at += 1s;
    Apply(model::Tick{{Used(1, 300), Used(2, 900), Used(3, 500)}, {}});
  }

  static EntityRow Agent(std::uint32_t ref, const std::string& path) {
    EntityRow row{EntityRef{ref}, EntityKind::kContainer, {}, {}, {}};
    row.fields.SetText(Field::kPath, path);
    row.fields.Set(Field::kCpuUsageNs, 0);
    row.fields.Set(Field::kMemoryUsageBytes, 1000ULL * ref);
    return row;
  }
  static EntityRow Used(std::uint32_t ref, std::uint64_t ms) {
    EntityRow row{EntityRef{ref}, {}, {}, {}, {}};
    row.fields.Set(Field::kCpuUsageNs, ms * 1'000'000);
    return row;
  }
  template <typename Body>
  void Apply(Body body) {
    ++header_.sequence;
    model_.Apply(model::Record{header_, std::move(body)});
  }
  std::vector<std::string> Names(const RowsWish& wish) const {
    std::vector<std::string> names;
    for (const TopRow& row : model_.Rows(wish)) names.push_back(row.name);
    return names;
  }

  model::RecordHeader header_{.host = "box",
                              .boot_id = "b",
                              .incarnation = 1,
                              .sequence = 0,
                              .at = 100s,
                              .wall_offset = {}};
  TopModel model_;
};

TEST_F(TopRowsTest, TreeHasHostThenSlicesThenWorkloadsBusiestFirst) {
  EXPECT_THAT(Names({}), ElementsAre("box", "/b", "two", "/a", "three", "one"));
}

TEST_F(TopRowsTest, SliceIsTheSumOfItsWorkloads) {
  const auto rows = model_.Rows({});

  ASSERT_EQ(rows[3].key, "/a");
  EXPECT_NEAR(*rows[3].cpu_cores, 0.8, 1e-9);
  EXPECT_EQ(rows[3].memory_bytes, 4000U);
  EXPECT_EQ(rows[3].oom_kills, std::nullopt) << "absent in every part is absent in the sum";
}

TEST_F(TopRowsTest, PeaksOfTheLastSecondsOutliveTheTickThatSawThem) {
  const auto tick = [&](std::chrono::seconds later, std::uint64_t cpu_ns, std::uint64_t bytes) {
    EntityRow row{EntityRef{1}, {}, {}, {}, {}};
    row.fields.Set(Field::kCpuPeak100msNs, cpu_ns);
    row.fields.Set(Field::kMemoryTickPeakBytes, bytes);
    header_.at += later;
    Apply(model::Tick{{std::move(row)}, {}});
  };
  const auto one = [&] { return model_.Rows({.sort = SortBy::kName, .is_tree = false}).front(); };
  EXPECT_EQ(one().cpu_peak_cores, std::nullopt);

  tick(1s, 180'000'000, 5000);
  tick(5s, 10'000'000, 2000);

  EXPECT_NEAR(*one().cpu_peak_cores, 1.8, 1e-9);
  EXPECT_EQ(one().memory_peak_bytes, 5000U);

  tick(30s, 20'000'000, 1000);

  EXPECT_NEAR(*one().cpu_peak_cores, 0.2, 1e-9);
  EXPECT_EQ(one().memory_peak_bytes, 1000U);
}

TEST_F(TopRowsTest, FoldedSliceHidesWhatIsInIt) {
  EXPECT_THAT(Names({.folded = {"/a"}}), ElementsAre("box", "/b", "two", "/a"));
}

TEST_F(TopRowsTest, FlatListIsSortedAsAWhole) {
  EXPECT_THAT(Names({.is_tree = false}), ElementsAre("two", "three", "one"));
  EXPECT_THAT(Names({.is_reversed = true, .is_tree = false}), ElementsAre("one", "three", "two"));
  EXPECT_THAT(Names({.sort = SortBy::kMemory, .is_tree = false}),
              ElementsAre("three", "two", "one"));
  EXPECT_THAT(Names({.sort = SortBy::kName, .is_tree = false}), ElementsAre("one", "three", "two"));
}

TEST_F(TopRowsTest, FilterLooksAtNameAndPathWhateverTheCase) {
  EXPECT_THAT(Names({.is_tree = false, .filter = "/A/"}), ElementsAre("three", "one"));
  EXPECT_THAT(Names({.is_tree = false, .filter = "TWO"}), ElementsAre("two"));
}

TEST_F(TopRowsTest, BeforeTheFirstKeyThereIsNothing) {
  EXPECT_TRUE(TopModel().Rows({}).empty());
}

TEST_F(TopRowsTest, TrendKeepsAMinuteAndForgetsTheDead) {
  for (int i = 0; i < 70; ++i) model_.Beat();
  EXPECT_EQ(model_.TrendOf(EntityRef{1}).size(), TopModel::kTrendPoints);

  Apply(model::Event{model::EventKind::kWorkloadDied, EntityRef{1}, {}, {}, {}});
  model_.Beat();

  EXPECT_TRUE(model_.TrendOf(EntityRef{1}).empty());
}

TEST(TopTextTest, NameCannotCommandTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\xc2\x9b\n"), "a?[2Jb???");
}

TEST(TopTextTest, AbsentIsADash) {
  EXPECT_EQ(CoresText({}), "-");
  EXPECT_EQ(BytesText({}), "-");
  EXPECT_EQ(TimeText({}), "-");
  EXPECT_EQ(ShareText({}), "-");
}

TEST(TopTextTest, AmountsAreShort) {
  EXPECT_EQ(BytesText(1536ULL << 20), "1.5G");
  EXPECT_EQ(BytesText(7), "7B");
  EXPECT_EQ(TimeText(1.25e6), "1.2ms");
  EXPECT_EQ(TimeText(53e6), "53ms");
  EXPECT_EQ(ShareText(0.125), "12.5%");
}

TEST(TopTextTest, TrendIsRightAlignedAndFillsItsHeight) {
  EXPECT_EQ(TrendText({0, 1}, 4), "  ▁█");
  EXPECT_EQ(TrendText({0.03, 0.04}, 2), "▂▂") << "noise of a sleeper stays low";
  EXPECT_EQ(TrendText({}, 2), "  ");
}

}  // namespace
}  // namespace ballast::cli

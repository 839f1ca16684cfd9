#include "autoscaler/control/node_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "autoscaler/control/settings.h"

namespace ballast::control {
namespace {

TEST(NodeOptionsTest, TheDefaultsAreSound) {
  EXPECT_TRUE(Check({}));
  EXPECT_EQ(NodeOptions{}.mode, Mode::kRecommend);
}

TEST(NodeOptionsTest, WrongOptionsAreNamed) {
  struct Row {
    const char* name;
    NodeOptions options;
    const char* message;
  };
  NodeOptions no_prefix;
  no_prefix.mode = Mode::kAuto;
  NodeOptions root;
  root.auto_prefixes = {"/"};
  NodeOptions reserve;
  reserve.cpu_reserve = 1;
  NodeOptions weight;
  weight.defaults.weight = 0;
  NodeOptions bounds;
  bounds.rules = {{.prefix = "/a", .min_cpu = 500, .max_cpu = 100}};
  NodeOptions pool;
  pool.memory_pool = 0;
  NodeOptions shared_root;
  shared_root.shared_pool.emplace().parent = "/";
  NodeOptions shared_elsewhere;
  shared_elsewhere.mode = Mode::kAuto;
  shared_elsewhere.auto_prefixes = {"/agents/one"};
  shared_elsewhere.shared_pool.emplace().parent = "/agents";
  for (const Row& row : {Row{"shared root", shared_root, "shared_pool: '/'"},
                         Row{"shared pool that may not be written", shared_elsewhere,
                             "'/agents' is below no auto prefix"},
                         Row{"auto without prefix", no_prefix, "at least one prefix"},
                         Row{"root as prefix", root, "auto prefix: '/'"},
                         Row{"everything reserved", reserve, "cpu_reserve: 1"},
                         Row{"no weight", weight, "weight must be above 0"},
                         Row{"bounds crossed", bounds, "rule /a: max_cpu is below min_cpu"},
                         Row{"no pool", pool, "memory_pool"}}) {
    const auto checked = Check(row.options);
    ASSERT_FALSE(checked) << row.name;
    EXPECT_THAT(checked.error().ToString(), ::testing::HasSubstr(row.message)) << row.name;
  }
}

// Where quotas only bound, a weight that the kernel does not know divides nothing.
TEST(NodeOptionsTest, WeightsAreWrittenWhereNothingElseDivides) {
  Settings settings;
  settings.workloads.resize(2);
  settings.workloads[0].prefix = "/heavy";
  settings.workloads[0].weight = 3;
  settings.workloads[1].prefix = "/plain";

  const auto shared = ToNodeOptions(settings);
  settings.cpu_headroom_shared = false;
  const auto following = ToNodeOptions(settings);

  ASSERT_TRUE(shared && following);
  EXPECT_TRUE(shared->rules[0].set_weight);
  EXPECT_FALSE(shared->rules[1].set_weight);
  EXPECT_FALSE(following->rules[0].set_weight);
}

TEST(NodeOptionsTest, TheLongestPrefixCounts) {
  NodeOptions options;
  options.rules = {{.prefix = "/a", .weight = 2}, {.prefix = "/a/b", .weight = 3}};

  EXPECT_EQ(RuleFor(options, "/a/b/c").weight, 3);
  EXPECT_EQ(RuleFor(options, "/a/c").weight, 2);
  EXPECT_EQ(RuleFor(options, "/x").weight, 1);
}

TEST(NodeOptionsTest, TheLongestPrefixThatSaysAModeCounts) {
  NodeOptions options;
  options.mode = Mode::kAuto;
  options.auto_prefixes = {"/a", "/r/deep"};
  options.rules = {{.prefix = "/a/quiet", .mode = Mode::kObserve},
                   {.prefix = "/a/quiet/heavy", .weight = 3},
                   {.prefix = "/a/quiet/loud", .mode = Mode::kAuto},
                   {.prefix = "/r", .mode = Mode::kRecommend},
                   {.prefix = "/e", .mode = Mode::kAuto}};
  struct Row {
    const char* path;
    Mode mode;
  };
  for (const Row& row :
       {Row{"/a/x", Mode::kAuto}, Row{"/a/quiet/x", Mode::kObserve},
        Row{"/a/quiet/heavy/x", Mode::kObserve}, Row{"/a/quiet/loud/x", Mode::kAuto},
        Row{"/r/x", Mode::kRecommend}, Row{"/r/deep/x", Mode::kAuto}, Row{"/e/x", Mode::kAuto},
        Row{"/elsewhere", Mode::kRecommend}})
    EXPECT_STREQ(ToString(ModeFor(options, row.path)), ToString(row.mode)) << row.path;
}

TEST(NodeOptionsTest, UnderAnotherModeAutoPrefixesCountForNothing) {
  NodeOptions options;
  options.auto_prefixes = {"/a"};
  options.rules = {{.prefix = "/e", .mode = Mode::kAuto}};
  for (const Mode mode : {Mode::kObserve, Mode::kRecommend}) {
    options.mode = mode;

    EXPECT_EQ(ModeFor(options, "/a/x"), mode);
    EXPECT_EQ(ModeFor(options, "/e/x"), Mode::kAuto);
  }
}

TEST(NodeOptionsTest, ARuleMayBeAsLongAsAnAutoPrefixAndCounts) {
  NodeOptions options;
  options.mode = Mode::kAuto;
  options.auto_prefixes = {"/a"};
  options.rules = {{.prefix = "/a", .mode = Mode::kObserve}};

  EXPECT_EQ(ModeFor(options, "/a/x"), Mode::kObserve);
}

}  // namespace
}  // namespace ballast::control

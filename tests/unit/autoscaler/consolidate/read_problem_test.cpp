#include "autoscaler/consolidate/read_problem.h"

#include <gtest/gtest.h>

namespace ballast::consolidate {
namespace {

TEST(ReadProblemTest, CoresBecomeMilliCoresExactly) {
  const auto problem = ReadProblem(
      R"({"hosts":[{"name":"h","cpu":0.3,"memory":8e9}],"vms":[{"name":"v","cpu":0.1,"memory":1}]})");

  ASSERT_TRUE(problem) << problem.error().ToString();
  EXPECT_EQ(problem->hosts[0].capacity, (std::vector<Amount>{300, 8'000'000'000}));
  EXPECT_EQ(problem->vms[0].demand, (std::vector<Amount>{100, 1}));
  EXPECT_EQ(problem->vms[0].current, kNoHost);
}

TEST(ReadProblemTest, PartsOfAMilliCoreRoundAgainstThePlan) {
  const auto problem = ReadProblem(
      R"({"hosts":[{"name":"h","cpu":1.0009,"memory":8}],"vms":[{"name":"v","cpu":0.0001,"memory":1}]})");

  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->hosts[0].capacity[0], 1000);
  EXPECT_EQ(problem->vms[0].demand[0], 1);
}

TEST(ReadProblemTest, CountMakesNamedCopies) {
  const auto problem = ReadProblem(R"({"hosts":[{"name":"h","cpu":1,"memory":8,"count":2}],
    "vms":[{"name":"v","cpu":0,"memory":1,"count":3,"host":"h-2"}],
    "constraints":{"anti_affinity":[["v"]],"pinned":{"v-3":"h-1"},"forbidden":{"v-1":["h-2"]}}})");

  ASSERT_TRUE(problem) << problem.error().ToString();
  EXPECT_EQ(problem->hosts[1].name, "h-2");
  EXPECT_EQ(problem->vms[2].name, "v-3");
  EXPECT_EQ(problem->vms[0].current, 1);
  EXPECT_EQ(problem->anti_affinity[0].vms, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(problem->vms[2].allowed, std::vector<int>{0});
  EXPECT_EQ(problem->vms[0].forbidden, std::vector<int>{1});
}

TEST(ReadProblemTest, FurtherResourcesAreDimensions) {
  const auto problem = ReadProblem(
      R"({"hosts":[{"name":"h","cpu":1,"memory":8,"resources":{"gpu":2}}],
          "vms":[{"name":"v","cpu":0,"memory":1,"resources":{"disk":0.5}}]})");

  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->resources, (std::vector<std::string>{"cpu", "memory", "disk", "gpu"}));
  EXPECT_EQ(problem->hosts[0].capacity, (std::vector<Amount>{1000, 8, 0, 2000}));
  EXPECT_EQ(problem->vms[0].demand, (std::vector<Amount>{0, 1, 500, 0}));
}

TEST(ReadProblemTest, HeadroomIsTakenOff) {
  const auto problem = ReadProblem(
      R"({"hosts":[{"name":"h","cpu":4,"memory":80,"headroom":{"cpu":0.5,"memory":10}}],"vms":[]})");

  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->hosts[0].capacity, (std::vector<Amount>{3500, 70}));
}

TEST(ReadProblemTest, VbpHasAsManyHostsAsItems) {
  const auto problem = ReadProblem("# two\n2\n10 20\n2\n5 5 1\n2 3 4\n");

  ASSERT_TRUE(problem) << problem.error().ToString();
  EXPECT_EQ(problem->hosts.size(), 5u);
  EXPECT_EQ(problem->vms[0].name, "item1");
  EXPECT_EQ(problem->vms[4].name, "item2-4");
  EXPECT_EQ(problem->vms[4].demand, (std::vector<Amount>{2, 3}));
}

struct BadInput {
  const char* name;
  const char* text;
  const char* where;  // the pointer or line
  const char* what;
};

class BadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(BadInputTest, SaysWhereAndWhat) {
  const auto problem = ReadProblem(GetParam().text);

  ASSERT_FALSE(problem);
  EXPECT_NE(problem.error().ToString().find(GetParam().where), std::string::npos)
      << problem.error().ToString();
  EXPECT_NE(problem.error().ToString().find(GetParam().what), std::string::npos)
      << problem.error().ToString();
}

#define HOST R"("hosts":[{"name":"h","cpu":4,"memory":8},{"name":"i","cpu":4,"memory":8}])"

INSTANTIATE_TEST_SUITE_P(
    ReadProblem, BadInputTest,
    testing::Values(
        BadInput{"Empty", "", "line 1", "empty"},
        BadInput{"NotJson", "{\"hosts\":[\n{\"name\":]", "line 2", "not JSON"},
        BadInput{"NaN", R"({"hosts":[{"name":"h","cpu":NaN,"memory":1}],"vms":[]})", "line 1",
                 "not JSON"},
        BadInput{"Trailing", "{} x", "line 1", "follows"},
        BadInput{"Truncated", R"({"hosts":[)", "line 1", "not JSON"},
        BadInput{"NoHosts", R"({"vms":[]})", "/", "no \"hosts\""},
        BadInput{"NegativeSize", "{" HOST R"(,"vms":[{"name":"a","cpu":-1,"memory":1}]})",
                 "/vms/0/cpu", "negative"},
        BadInput{"HugeSize", "{" HOST R"(,"vms":[{"name":"a","cpu":1,"memory":1e300}]})",
                 "/vms/0/memory", "too large"},
        BadInput{"SizeIsText", "{" HOST R"(,"vms":[{"name":"a","cpu":"1","memory":1}]})",
                 "/vms/0/cpu", "number"},
        BadInput{"NoMemory", "{" HOST R"(,"vms":[{"name":"a","cpu":1}]})", "/vms/0", "memory"},
        BadInput{"UnknownHost", "{" HOST R"(,"vms":[{"name":"a","cpu":1,"memory":1,"host":"x"}]})",
                 "/vms/0/host", "unknown host 'x'"},
        BadInput{"DuplicateVm",
                 "{" HOST
                 R"(,"vms":[{"name":"a","cpu":1,"memory":1},{"name":"a","cpu":1,"memory":1}]})",
                 "/vms/1", "'a' appears twice"},
        BadInput{
            "CopyMeetsName",
            "{" HOST
            R"(,"vms":[{"name":"a","cpu":1,"memory":1,"count":2},{"name":"a-2","cpu":1,"memory":1}]})",
            "vms", "'a-2' appears twice"},
        BadInput{"FractionalCount",
                 "{" HOST R"(,"vms":[{"name":"a","cpu":1,"memory":1,"count":1.5}]})",
                 "/vms/0/count", "whole"},
        BadInput{"HugeCount", "{" HOST R"(,"vms":[{"name":"a","cpu":1,"memory":1,"count":1e12}]})",
                 "/vms/0/count", "more than"},
        BadInput{"PinUnknownVm", "{" HOST R"(,"vms":[],"constraints":{"pinned":{"x":"h"}}})",
                 "/constraints/pinned/x", "unknown VM 'x'"},
        BadInput{"PinUnknownHost",
                 "{" HOST
                 R"(,"vms":[{"name":"a","cpu":1,"memory":1}],"constraints":{"pinned":{"a":"x"}}})",
                 "/constraints/pinned/a", "unknown host 'x'"},
        BadInput{
            "PinForbidden",
            "{" HOST
            R"(,"vms":[{"name":"a","cpu":1,"memory":1}],"constraints":{"pinned":{"a":"h"},"forbidden":{"a":["h"]}}})",
            "'a'", "forbidden"},
        BadInput{
            "PinAgainstSet",
            "{" HOST
            R"(,"vms":[{"name":"a","cpu":1,"memory":1},{"name":"b","cpu":1,"memory":1}],"constraints":{"pinned":{"a":"h","b":"h"},"anti_affinity":[["a","b"]]}})",
            "'a' and 'b'", "anti-affinity"},
        BadInput{"MistypedConstraint", "{" HOST R"(,"vms":[],"constraints":{"anti-affinity":[]}})",
                 "/constraints/anti-affinity", "no such constraint"},
        BadInput{"VbpEnds", "2\n10 10\n2\n5 5 1\n", "line 5", "ends"},
        BadInput{"VbpWord", "2\n10 ten\n", "line 2", "'ten'"},
        BadInput{"VbpNegative", "1\n10\n1\n-3 1\n", "line 4", "negative"},
        BadInput{"VbpMore", "1\n10\n1\n3 1\n7\n", "line 5", "follows"},
        BadInput{"VbpNoDimension", "0\n", "line 1", "dimension"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace ballast::consolidate

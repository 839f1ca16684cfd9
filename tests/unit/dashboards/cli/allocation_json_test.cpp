#include "dashboards/cli/allocation_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace ballast::cli {
namespace {

using ::testing::HasSubstr;

std::string With(const std::string& container) {
  return R"({"host":{"cpu":4,"memory":1000},"containers":[)" + container + "]}";
}

boost::json::object Solve(const std::string& text) {
  const auto input = ParseAllocationInput(text);
  EXPECT_TRUE(input) << input.error().ToString();
  return boost::json::parse(FormatAllocation(*input, allocate::Allocate(input->host), 0.5))
      .as_object();
}

// A host with 4 cores, 1000 bytes and 8 disks.
std::string WithDisks(const std::string& more, const std::string& container) {
  return R"({"host":{"cpu":4,"memory":1000,"resources":{"disk":8}},)" + more + R"("containers":[)" +
         container + "]}";
}

TEST(AllocationJsonTest, TheAnswerHasTheContractsFields) {
  const auto answer = Solve(
      With(R"({"name":"a","cpu":3,"memory":500,"weight":3},{"name":"b","cpu":3,"memory":0})"));

  EXPECT_EQ(answer.at("status"), "optimal");
  EXPECT_EQ(answer.at("objective").to_number<double>(), 504);
  EXPECT_EQ(answer.at("seconds").to_number<double>(), 0.5);
  EXPECT_EQ(answer.at("shadow_prices").at("cpu").to_number<double>(), 1);
  EXPECT_EQ(answer.at("shadow_prices").at("memory").to_number<double>(), 0);
  const auto& containers = answer.at("containers").as_array();
  EXPECT_EQ(containers.at(0).at("name"), "a");
  EXPECT_EQ(containers.at(0).at("cpu").to_number<double>(), 3);
  EXPECT_EQ(containers.at(0).at("x").to_number<double>(), 1);
  EXPECT_NEAR(containers.at(1).at("x").to_number<double>(), 1.0 / 3, 1e-12);
  EXPECT_EQ(containers.at(1).at("y").to_number<double>(), 1);
}

TEST(AllocationJsonTest, InfeasibleIsSaidInTheSameForm) {
  const auto answer = Solve(With(R"({"name":"a","cpu":5,"memory":1,"min_cpu":5})"));

  EXPECT_EQ(answer.at("status"), "infeasible");
  EXPECT_TRUE(answer.at("containers").as_array().empty());
}

TEST(AllocationJsonTest, FurtherResourcesAreSharedOutToo) {
  const auto answer = Solve(WithDisks(
      "",
      R"({"name":"a","cpu":1,"memory":1,"resources":{"disk":9},"min_resources":{"disk":6}},)"
      R"({"name":"b","cpu":1,"memory":1,"resources":{"disk":9}},{"name":"c","cpu":1,"memory":1})"));

  const auto& containers = answer.at("containers").as_array();
  EXPECT_EQ(containers.at(0).at("resources").at("disk").to_number<double>(), 6);
  EXPECT_EQ(containers.at(1).at("resources").at("disk").to_number<double>(), 2);
  EXPECT_EQ(containers.at(2).at("resources").at("disk").to_number<double>(), 0);
  EXPECT_EQ(containers.at(0).at("binding").at("disk"), "guarantee");
  EXPECT_EQ(answer.at("shadow_prices").at("disk").to_number<double>(), 1);
  EXPECT_EQ(answer.at("water_levels").at("disk").to_number<double>(), 2);
  EXPECT_FALSE(answer.contains("coupling"));
}

TEST(AllocationJsonTest, CouplingIsSaidInTheAnswer) {
  const auto answer = Solve(WithDisks(R"("coupling":"dominant_share",)",
                                      R"({"name":"a","cpu":4,"memory":500,"resources":{"disk":4}},)"
                                      R"({"name":"b","cpu":4,"memory":0})"));

  EXPECT_EQ(answer.at("coupling"), "dominant_share");
  const auto& one = answer.at("containers").as_array().at(0).as_object();
  EXPECT_EQ(one.at("cpu").to_number<double>(), 2);
  EXPECT_EQ(one.at("memory").to_number<double>(), 250);
  EXPECT_EQ(one.at("resources").at("disk").to_number<double>(), 2);
  EXPECT_EQ(one.at("binding").at("cpu"), "water_level");
  EXPECT_EQ(one.at("binding").at("disk"), "coupled");
  EXPECT_EQ(one.at("dominant_share").to_number<double>(), 0.5);
  EXPECT_EQ(one.at("dominant"), "cpu");
}

TEST(AllocationJsonTest, TheTextSaysLevelsPricesAndWhatBinds) {
  const auto input = ParseAllocationInput(
      With(R"({"name":"a","cpu":3,"memory":500,"weight":3},{"name":"b","cpu":3,"memory":0})"));
  ASSERT_TRUE(input);
  const std::string text = DescribeAllocation(*input, allocate::Allocate(input->host), 0.5);

  EXPECT_THAT(text,
              HasSubstr("cpu: 4 of 4, full at a water level of 1 per unit of weight; one more "
                        "unit is worth 1\n"));
  EXPECT_THAT(text, HasSubstr("memory: 500 of 1000, nobody is short"));
  EXPECT_THAT(text, HasSubstr("water_level"));
}

TEST(AllocationJsonTest, WhatIsWrongIsNamedByItsPlace) {
  struct Row {
    const char* name;
    std::string text;
    const char* message;
  };
  for (
      const Row& row : {
          Row{"empty", "", "line 1: no JSON"},
          Row{"no JSON", "{\"host\":\n{\"cpu\":NaN}}", "line 2: no JSON"},
          Row{"cut", With("").substr(0, 20), "line 1: no JSON"},
          Row{"more behind it", With("") + "\n{}", "line 2: no JSON"},
          Row{"an array", "[]", "/: must be an object"},
          Row{"no host", R"({"containers":[]})", "/host: is missing"},
          Row{"no containers", R"({"host":{"cpu":1,"memory":1}})", "/containers: is missing"},
          Row{"containers no array", R"({"host":{"cpu":1,"memory":1},"containers":{}})",
              "/containers: must be an array"},
          Row{"unknown key", R"({"hosts":1})", "/hosts: unknown key"},
          Row{"unknown in host", R"({"host":{"cpu":1,"memory":1,"gpu":1},"containers":[]})",
              "/host/gpu: unknown key"},
          Row{"unknown in container", With(R"({"name":"a","cpu":1,"memory":1,"wieght":1})"),
              "/containers/0/wieght: unknown key"},
          Row{"no name", With(R"({"cpu":1,"memory":1})"), "/containers/0/name: is missing"},
          Row{"empty name", With(R"({"name":"","cpu":1,"memory":1})"),
              "/containers/0/name: must be"},
          Row{"no cpu", With(R"({"name":"a","memory":1})"), "/containers/0/cpu: is missing"},
          Row{"text for a number", With(R"({"name":"a","cpu":"1","memory":1})"),
              "/containers/0/cpu: must be a number, not \"1\""},
          Row{"null for a number", With(R"({"name":"a","cpu":null,"memory":1})"),
              "/containers/0/cpu: must be a number"},
          Row{"negative", With(R"({"name":"a","cpu":-1,"memory":1})"),
              "/containers/0/cpu: is -1, below 0"},
          Row{"negative minimum", With(R"({"name":"a","cpu":1,"memory":1,"min_memory":-1})"),
              "/containers/0/min_memory: is -1"},
          Row{"too large", With(R"({"name":"a","cpu":1,"memory":1e300})"),
              "/containers/0/memory: is 1e+300, more than"},
          Row{"no weight", With(R"({"name":"a","cpu":1,"memory":1,"weight":0})"),
              "/containers/0/weight: must be above 0"},
          Row{"twice", With(R"({"name":"a","cpu":1,"memory":1},{"name":"a","cpu":1,"memory":1})"),
              "/containers/1/name: 'a' is there twice"},
          Row{"ceiling below guarantee",
              With(R"({"name":"a","cpu":1,"memory":1,"min_cpu":1,"max_cpu":0.5})"),
              "/containers/0/max_cpu: is below"},
          Row{"wrong coupling",
              R"({"coupling":"tight","host":{"cpu":1,"memory":1},"containers":[]})",
              "/coupling: must be \"none\" or \"dominant_share\", not \"tight\""},
          Row{"resources no object",
              R"({"host":{"cpu":1,"memory":1,"resources":[]},"containers":[]})",
              "/host/resources: must be an object"},
          Row{"cpu twice", R"({"host":{"cpu":1,"memory":1,"resources":{"cpu":1}},"containers":[]})",
              "/host/resources/cpu: is no name"},
          Row{"resource that the host has not",
              WithDisks("", R"({"name":"a","cpu":1,"memory":1,"resources":{"gpu":1}})"),
              "/containers/0/resources/gpu: is not in /host/resources"},
          Row{"negative resource",
              WithDisks("", R"({"name":"a","cpu":1,"memory":1,"resources":{"disk":-1}})"),
              "/containers/0/resources/disk: is -1, below 0"},
          Row{"ceiling of a resource below its guarantee",
              WithDisks(
                  "",
                  R"({"name":"a","cpu":1,"memory":1,"min_resources":{"disk":2},"max_resources":{"disk":1}})"),
              "/containers/0/max_resources/disk: is below"},
          Row{"broken priority", With(R"({"name":"a","cpu":1,"memory":1,"priority":0.5})"),
              "/containers/0/priority: must be"},
      }) {
    const auto input = ParseAllocationInput(row.text);
    ASSERT_FALSE(input) << row.name;
    EXPECT_THAT(input.error().ToString(), HasSubstr(row.message)) << row.name;
    EXPECT_EQ(input.error().ToString().find('\n'), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace ballast::cli

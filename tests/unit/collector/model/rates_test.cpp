#include "collector/model/rates.h"

#include <gtest/gtest.h>

namespace ballast::model {
namespace {

FieldSet Usage(std::optional<std::uint64_t> ns) {
  FieldSet set;
  set.Set(Field::kCpuUsageNs, ns);
  return set;
}

struct Case {
  const char* name;
  std::optional<std::uint64_t> then, now;
  double seconds;
  std::optional<double> expected;
};

class RatesTest : public ::testing::TestWithParam<Case> {};

TEST_P(RatesTest, RatePerSecond) {
  const Case& c = GetParam();
  EXPECT_EQ(RatePerSecond(Usage(c.then), Usage(c.now), Field::kCpuUsageNs, c.seconds), c.expected);
}

INSTANTIATE_TEST_SUITE_P(Cases, RatesTest,
                         ::testing::Values(Case{"rises", 100, 300, 2.0, 100.0},                //
                                           Case{"stands_still", 100, 100, 1.0, 0.0},           //
                                           Case{"stepped_back", 300, 100, 1.0, std::nullopt},  //
                                           Case{"absent_before", std::nullopt, 100, 1.0,
                                                std::nullopt},
                                           Case{"absent_now", 100, std::nullopt, 1.0, std::nullopt},
                                           Case{"no_time_passed", 100, 300, 0.0, std::nullopt}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace ballast::model

#include "collector/source/cgroupfs/control_text.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "collector/model/field.h"

namespace ballast::source {
namespace {

using Number = std::optional<std::uint64_t>;

struct NumberRow {
  const char* name;
  const char* text;
  Number expected;
};
void PrintTo(const NumberRow& row, std::ostream* out) {
  *out << '"' << row.text << '"';
}
const auto kNameOfRow = [](const auto& row) { return std::string(row.param.name); };

class ParseNumberTest : public testing::TestWithParam<NumberRow> {};
TEST_P(ParseNumberTest, Text) {
  EXPECT_EQ(ParseNumber(GetParam().text), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ParseNumberTest,
    testing::Values(NumberRow{"plain", "42", 42}, NumberRow{"with_newline", "42\n", 42},
                    NumberRow{"zero", "0\n", 0},
                    NumberRow{"largest", "18446744073709551615", ~std::uint64_t{0}},
                    NumberRow{"too_large", "18446744073709551616", {}}, NumberRow{"empty", "", {}},
                    NumberRow{"newline_only", "\n", {}}, NumberRow{"negative", "-1\n", {}},
                    NumberRow{"plus", "+1", {}}, NumberRow{"word", "max", {}},
                    NumberRow{"trailing_unit", "4096 kB", {}}, NumberRow{"hexadecimal", "0x10", {}},
                    NumberRow{"fraction", "1.5", {}}, NumberRow{"blank_in_front", " 1", {}}),
    kNameOfRow);

class ParseLimitTest : public testing::TestWithParam<NumberRow> {};
TEST_P(ParseLimitTest, Text) {
  EXPECT_EQ(ParseLimit(GetParam().text), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Rows, ParseLimitTest,
                         testing::Values(NumberRow{"max", "max\n", model::kUnlimited},
                                         NumberRow{"number", "4096\n", 4096},
                                         NumberRow{"like_max", "maximum", {}},
                                         NumberRow{"negative", "-1", {}}),
                         kNameOfRow);

class ParseV1LimitTest : public testing::TestWithParam<NumberRow> {};
TEST_P(ParseV1LimitTest, Text) {
  EXPECT_EQ(ParseV1Limit(GetParam().text), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ParseV1LimitTest,
    testing::Values(NumberRow{"minus_one", "-1\n", model::kUnlimited},
                    NumberRow{"page_counter_maximum", "9223372036854771712\n", model::kUnlimited},
                    NumberRow{"of_64k_pages", "9223372036854710272\n", model::kUnlimited},
                    NumberRow{"number", "33554432\n", 33554432},
                    NumberRow{"large_but_real", "4611686018427387904\n", 4611686018427387904},
                    NumberRow{"minus_two", "-2", {}}, NumberRow{"empty", "", {}}),
    kNameOfRow);

struct CpuMaxRow {
  const char* name;
  const char* text;
  Number quota, period;
};
class ParseCpuMaxTest : public testing::TestWithParam<CpuMaxRow> {};
TEST_P(ParseCpuMaxTest, Text) {
  const auto max = ParseCpuMax(GetParam().text);

  EXPECT_EQ(max ? Number(max->quota_us) : Number(), GetParam().quota);
  EXPECT_EQ(max ? Number(max->period_us) : Number(), GetParam().period);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ParseCpuMaxTest,
    testing::Values(CpuMaxRow{"quota", "50000 100000\n", 50000, 100000},
                    CpuMaxRow{"unlimited", "max 100000\n", model::kUnlimited, 100000},
                    CpuMaxRow{"no_period", "50000\n", {}, {}}, CpuMaxRow{"empty", "", {}, {}},
                    CpuMaxRow{"zero_period", "50000 0\n", {}, {}},
                    CpuMaxRow{"third_word", "1 2 3\n", {}, {}},
                    CpuMaxRow{"negative", "-1 100000\n", {}, {}},
                    CpuMaxRow{"max_period", "50000 max\n", {}, {}}),
    kNameOfRow);

struct PressureRow {
  const char* name;
  const char* text;
  Number some, full;
};
class ParsePressureTest : public testing::TestWithParam<PressureRow> {};
TEST_P(ParsePressureTest, Text) {
  const Pressure pressure = ParsePressure(GetParam().text);

  EXPECT_EQ(pressure.some_us, GetParam().some);
  EXPECT_EQ(pressure.full_us, GetParam().full);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ParsePressureTest,
    testing::Values(
        PressureRow{"both",
                    "some avg10=9.60 avg60=1.73 avg300=0.36 total=1252927\n"
                    "full avg10=9.60 avg60=1.73 avg300=0.36 total=1243229\n",
                    1252927, 1243229},
        PressureRow{"cpu_before_5_13", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 7, {}},
        PressureRow{"later_kernels_add_words", "some avg5=0.1 total=7 more=9\n", 7, {}},
        PressureRow{"empty", "", {}, {}}, PressureRow{"no_total", "some avg10=0.00\n", {}, {}},
        PressureRow{"broken_total", "some total=x\nfull total=3\n", {}, 3},
        PressureRow{"negative_total", "some total=-3\n", {}, {}},
        PressureRow{"cut_in_the_middle", "some avg10=0.00 avg60=0.00 avg300=0.00 tot", {}, {}}),
    kNameOfRow);

using Keys = std::map<std::string, std::uint64_t>;
struct KeyedRow {
  const char* name;
  const char* text;
  Keys expected;
};
class ForEachKeyedTest : public testing::TestWithParam<KeyedRow> {};
TEST_P(ForEachKeyedTest, Text) {
  Keys keys;
  ForEachKeyed(GetParam().text,
               [&](std::string_view key, std::uint64_t value) { keys[std::string(key)] = value; });

  EXPECT_EQ(keys, GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ForEachKeyedTest,
    testing::Values(KeyedRow{"lines", "a 1\nb 2\n", {{"a", 1}, {"b", 2}}},
                    KeyedRow{"last_without_newline", "a 1\nb 2", {{"a", 1}, {"b", 2}}},
                    KeyedRow{"empty", "", {}}, KeyedRow{"empty_lines", "\n\na 1\n\n", {{"a", 1}}},
                    KeyedRow{"key_alone", "a\nb 2\n", {{"b", 2}}},
                    KeyedRow{"no_number", "a x\nb 2\n", {{"b", 2}}},
                    KeyedRow{"three_words", "a 1 2\nb 2\n", {{"b", 2}}},
                    KeyedRow{"tabs", "a\t1\n", {{"a", 1}}}),
    kNameOfRow);

TEST(ScaledTest, OverflowIsAbsent) {
  EXPECT_EQ(Scaled(~std::uint64_t{0}, 1000), std::nullopt);
  EXPECT_EQ(Scaled(std::nullopt, 1000), std::nullopt);
  EXPECT_EQ(Scaled(7, 1000), Number(7000));
}

TEST(WeightFromSharesTest, FollowsTheLinearMap) {
  EXPECT_EQ(WeightFromShares(2), 1U);
  EXPECT_EQ(WeightFromShares(1024), 39U);
  EXPECT_EQ(WeightFromShares(262'144), 10'000U);
  EXPECT_EQ(WeightFromShares(0), 1U);
  EXPECT_EQ(WeightFromShares(~std::uint64_t{0}), 10'000U);
}

}  // namespace
}  // namespace ballast::source

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "example_options.h"

namespace ballast::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OptionTomlTest, EveryTypeIsRead) {
  ExampleTable example;

  const auto read = example.table.ReadToml(R"(
margin = 0.5
enabled = true
mode = "auto"
buffer = "512KiB"
prefixes = ["/a", "/b"]
[http]
listen = "0.0.0.0:80"
[tick]
interval_ms = 250
[[workload]]
prefix = "/a/x"
weight = 2
[[workload]]
prefix = "/b"
)",
                                           "c.toml");

  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(example.options.margin, 0.5);
  EXPECT_TRUE(example.options.enabled);
  EXPECT_EQ(example.options.mode, Mode::kAuto);
  EXPECT_EQ(example.options.buffer_bytes, 512U << 10);
  EXPECT_THAT(example.options.prefixes, ElementsAre("/a", "/b"));
  EXPECT_EQ(example.options.listen, "0.0.0.0:80");
  EXPECT_EQ(example.options.tick_ms, 250);
  ASSERT_EQ(example.options.overrides.size(), 2U);
  EXPECT_EQ(example.options.overrides[0].weight, 2.0);
  EXPECT_EQ(example.options.overrides[1].prefix, "/b");
}

struct BadFile {
  const char* name;
  const char* text;
  const char* error;
};
void PrintTo(const BadFile& bad, std::ostream* out) {
  *out << bad.name;
}
class BadTomlTest : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadTomlTest, IsOneLineThatSaysWhereAndWhat) {
  ExampleTable example;

  const auto read = example.table.ReadToml(GetParam().text, "c.toml");

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().ToString(), GetParam().error);
}

// table
INSTANTIATE_TEST_SUITE_P(
    Table, BadTomlTest,
    ::testing::Values(
        BadFile{"UnknownKeyNamesTheNearest", "[tick]\ninterval = 5",
                "c.toml:2:1: tick.interval: unknown key; did you mean tick.interval_ms?"},
        BadFile{"KeyWithoutItsSection", "listen = 'x'",
                "c.toml:1:1: listen: unknown key; did you mean http.listen?"},
        BadFile{"KeyLikeNothingKnown", "zebra = 1",
                "c.toml:1:1: zebra: unknown key; --print-config lists them all"},
        BadFile{"KeyWithANewline", "\"ze\\nbra\" = 1",
                "c.toml:1:1: ze?bra: unknown key; --print-config lists them all"},
        BadFile{"UnknownSection", "[htpp]\nlisten = 'x'",
                "c.toml:1:2: htpp: unknown key; --print-config lists them all"},
        BadFile{"IntegerTooSmall", "[tick]\ninterval_ms = 5",
                "c.toml:2:15: tick.interval_ms: 5 is out of range; allowed: 10 to 10000"},
        BadFile{"IntegerGivenAsString", "[tick]\ninterval_ms = \"5\"",
                "c.toml:2:15: tick.interval_ms: expected an integer, found the string \"5\""},
        BadFile{"RealForInteger", "[tick]\ninterval_ms = 50.5",
                "c.toml:2:15: tick.interval_ms: expected an integer, found the number 50.5"},
        BadFile{"NotANumber", "margin = nan",
                "c.toml:1:10: margin: nan is out of range; allowed: 0 to 1"},
        BadFile{"UnknownChoice", "mode = 'manual'",
                "c.toml:1:8: mode: expected observe or auto, found the string \"manual\""},
        BadFile{"SizeWithoutSense", "buffer = '12 parsecs'",
                "c.toml:1:10: buffer: '12 parsecs' is not a size; write for example 512MiB, 2GB or "
                "a number of bytes"},
        BadFile{"SizeOutOfRange", "buffer = '2GiB'",
                "c.toml:1:10: buffer: 2GiB is out of range; allowed: 4KiB to 1GiB"},
        BadFile{"ListOfNumbers", "prefixes = [1]",
                "c.toml:1:12: prefixes: expected list, found an array of other things"},
        BadFile{"SectionAsValue", "http = 1",
                "c.toml:1:1: http: unknown key; --print-config lists them all"},
        BadFile{"TableForValue", "[margin]\nx = 1",
                "c.toml:1:1: margin: expected number, found a table"},
        BadFile{"RowsAsTable", "[workload]\nprefix = '/a'",
                "c.toml:1:1: workload: expected [[workload]] tables, found a table"},
        BadFile{"UnknownKeyInRow", "[[workload]]\nwieght = 1",
                "c.toml:2:1: workload.wieght: unknown key; did you mean workload.weight?"},
        BadFile{"RangeInRow", "[[workload]]\nweight = 0",
                "c.toml:2:10: workload.weight: 0 is out of range; allowed: 0.01 to 100"}),
    [](const auto& test) { return test.param.name; });

TEST(OptionTomlTest, SyntaxErrorSaysWhere) {
  ExampleTable example;

  const auto read = example.table.ReadToml("margin = 0.5\nenabled = maybe", "c.toml");

  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().ToString(), HasSubstr("c.toml:2:11: "));
}

TEST(OptionTomlTest, NothingIsAppliedWhenOneValueIsWrong) {
  ExampleTable example;

  const auto read =
      example.table.ReadToml("enabled = true\nmargin = 0.5\n[tick]\ninterval_ms = 5\n", "c.toml");

  ASSERT_FALSE(read);
  EXPECT_FALSE(example.options.enabled);
  EXPECT_EQ(example.options.margin, 0.15);
}

std::string Uncommented(std::string text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    out += (line.starts_with("#") && !line.starts_with("# ") ? line.substr(1) : line) + "\n";
  return out;
}

TEST(OptionTomlTest, DefaultFileReadsBackAsTheDefaults) {
  ExampleTable example;
  const ExampleOptions defaults;
  const std::string file = example.table.CommentedToml();

  const auto read = example.table.ReadToml(Uncommented(file), "default");

  ASSERT_TRUE(read) << read.error().ToString() << "\n" << file;
  EXPECT_EQ(example.options.listen, defaults.listen);
  EXPECT_EQ(example.options.tick_ms, defaults.tick_ms);
  EXPECT_EQ(example.options.margin, defaults.margin);
  EXPECT_EQ(example.options.buffer_bytes, defaults.buffer_bytes);
  EXPECT_EQ(example.options.prefixes, defaults.prefixes);
}

TEST(OptionTomlTest, DefaultFileNamesEveryOptionWithItsBounds) {
  ExampleTable example;

  const std::string file = example.table.CommentedToml();

  EXPECT_THAT(file, HasSubstr("# Time between ticks. Allowed: 10 to 10000.\n#interval_ms = 100\n"));
  EXPECT_THAT(file, HasSubstr("# The HTTP server.\n[http]\n"));
  EXPECT_THAT(file, HasSubstr("#[[workload]]\n"));
}

}  // namespace
}  // namespace ballast::config

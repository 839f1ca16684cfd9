#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "example_options.h"

namespace ballast::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OptionFlagsTest, EveryTypeIsRead) {
  ExampleTable example;

  const auto read = example.table.ReadFlags(
      {"--http-listen", "0.0.0.0:80", "--tick-interval-ms=250", "--margin", "0.5", "--enabled",
       "--mode", "auto", "--buffer", "1MiB", "--prefixes", "/a,/b"});

  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(example.options.listen, "0.0.0.0:80");
  EXPECT_EQ(example.options.tick_ms, 250);
  EXPECT_EQ(example.options.margin, 0.5);
  EXPECT_TRUE(example.options.enabled);
  EXPECT_EQ(example.options.mode, Mode::kAuto);
  EXPECT_EQ(example.options.buffer_bytes, 1U << 20);
  EXPECT_THAT(example.options.prefixes, ElementsAre("/a", "/b"));
}

TEST(OptionFlagsTest, BooleanFlagCanBeTurnedOff) {
  ExampleTable example;
  example.options.enabled = true;

  const auto read = example.table.ReadFlags({"--enabled=false"});

  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_FALSE(example.options.enabled);
}

TEST(OptionFlagsTest, RepeatedListFlagCollects) {
  ExampleTable example;

  const auto read = example.table.ReadFlags({"--prefixes", "/a", "--prefixes", "/b"});

  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_THAT(example.options.prefixes, ElementsAre("/a", "/b"));
}

struct BadFlags {
  const char* name;
  std::vector<std::string> arguments;
  const char* error;
};
void PrintTo(const BadFlags& bad, std::ostream* out) {
  *out << bad.name;
}
class BadFlagsTest : public ::testing::TestWithParam<BadFlags> {};

TEST_P(BadFlagsTest, IsOneLineThatSaysWhat) {
  ExampleTable example;

  const auto read = example.table.ReadFlags(GetParam().arguments);

  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().ToString(), HasSubstr(GetParam().error));
  EXPECT_EQ(example.options.tick_ms, 100);
}

// table
INSTANTIATE_TEST_SUITE_P(
    Table, BadFlagsTest,
    ::testing::Values(
        BadFlags{"UnknownNamesTheNearest",
                 {"--http-lisen", "x"},
                 "--http-lisen: unknown option; did you mean --http-listen?"},
        BadFlags{"Positional", {"run"}, "'run': unexpected argument; see --help"},
        BadFlags{"OutOfRange",
                 {"--tick-interval-ms", "5"},
                 "--tick-interval-ms: 5 is out of range; allowed: 10 to 10000"},
        BadFlags{"NotANumber",
                 {"--tick-interval-ms", "5x"},
                 "--tick-interval-ms: expected an integer, found the string \"5x\""},
        BadFlags{"Twice",
                 {"--tick-interval-ms", "50", "--tick-interval-ms", "60"},
                 "--tick-interval-ms: given more than once"},
        BadFlags{"NoValue", {"--tick-interval-ms"}, "--tick-interval-ms"},
        BadFlags{"FlagThenStrayValue", {"--enabled", "yes"}, "'yes': unexpected argument"}),
    [](const auto& test) { return test.param.name; });

// Load() reads a real file, here one in a temporary folder.
class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    char name[] = "/tmp/ballast-config-XXXXXX";
    ::close(::mkstemp(name));
    file_ = name;
  }
  ~LoadTest() override { ::unlink(file_.c_str()); }

  void Write(const std::string& text) { std::ofstream(file_) << text; }
  Result<OptionTable::Loaded> Load(std::vector<const char*> arguments,
                                   const std::string& default_file = "") {
    arguments.insert(arguments.begin(), "program");
    return example_.table.Load(static_cast<int>(arguments.size()), arguments.data(), default_file,
                               "1.2.3");
  }

  std::string file_;
  ExampleTable example_;
};

TEST_F(LoadTest, FlagsWinOverTheFileAndTheFileOverDefaults) {
  Write("margin = 0.5\n[tick]\ninterval_ms = 20\n");

  const auto loaded = Load({"-c", file_.c_str(), "--tick-interval-ms", "30"});

  ASSERT_TRUE(loaded) << loaded.error().ToString();
  EXPECT_EQ(loaded->start, OptionTable::Start::kRun);
  EXPECT_EQ(example_.options.tick_ms, 30);
  EXPECT_EQ(example_.options.margin, 0.5);
  EXPECT_EQ(example_.options.listen, "127.0.0.1:9435");
}

TEST_F(LoadTest, WrongFlagLeavesTheFileUnapplied) {
  Write("margin = 0.5\n");

  const auto loaded = Load({"-c", file_.c_str(), "--tick-interval-ms", "3"});

  ASSERT_FALSE(loaded);
  EXPECT_EQ(example_.options.margin, 0.15);
}

TEST_F(LoadTest, MissingFileIsAnErrorOnlyIfItWasAskedFor) {
  EXPECT_TRUE(Load({}, "/nonexistent/ballast.toml"));

  const auto asked = Load({"--config", "/nonexistent/ballast.toml"});

  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().ToString(),
            "config file: /nonexistent/ballast.toml: No such file or directory");
}

TEST_F(LoadTest, CheckConfigAnswersOkOrTheError) {
  Write("margin = 0.5\n");
  const auto good = Load({"--check-config", "-c", file_.c_str()});
  ASSERT_TRUE(good) << good.error().ToString();
  EXPECT_EQ(good->start, OptionTable::Start::kAnswer);
  EXPECT_EQ(good->text, file_ + " ok\n");

  Write("margin = 5\n");
  EXPECT_FALSE(Load({"--check-config", "-c", file_.c_str()}));
}

TEST_F(LoadTest, HelpNamesEveryFlagWithItsDefault) {
  const auto loaded = Load({"--help"});

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->start, OptionTable::Start::kAnswer);
  EXPECT_THAT(loaded->text, HasSubstr("--tick-interval-ms integer"));
  EXPECT_THAT(loaded->text, HasSubstr("Time between ticks. [10 to 10000; 100]"));
}

TEST_F(LoadTest, VersionNamesTheProgram) {
  const auto loaded = Load({"--version"});

  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->text, "ballast-example 1.2.3\n");
}

}  // namespace
}  // namespace ballast::config

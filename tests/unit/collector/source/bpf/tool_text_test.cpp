#include "collector/source/bpf/tool_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ballast::source {
namespace {

using Arguments = std::vector<std::string_view>;

struct NameRow {
  const char* name;
  const char* file;
  Arguments arguments;
  const char* expected;
};

class ToolNameTest : public ::testing::TestWithParam<NameRow> {};

TEST_P(ToolNameTest, SaysProgramAndSubcommand) {
  const NameRow& row = GetParam();

  EXPECT_EQ(ToolName(row.file, row.arguments, "comm"), row.expected);
}

INSTANTIATE_TEST_SUITE_P(  // table
    Names, ToolNameTest,
    ::testing::Values(
        NameRow{"Plain", "/usr/bin/ls", {"ls", "-la", "/secret"}, "ls"},
        NameRow{
            "Subcommand", "/usr/bin/git", {"git", "--no-pager", "commit", "-m", "x"}, "git commit"},
        NameRow{"NoSubcommand", "/usr/bin/git", {"git", "--version"}, "git"},
        NameRow{"ValueIsNoSubcommand", "/usr/bin/make", {"make", "PASSWORD=x"}, "make"},
        NameRow{"VersionedPip", "/usr/bin/pip3", {"pip3", "install", "x"}, "pip3 install"},
        NameRow{"Module",
                "/usr/bin/python3",
                {"python3", "-m", "pytest", "tests"},
                "python3 -m pytest"},
        NameRow{"InlineProgram",
                "/usr/bin/python3",
                {"python3", "-c", "print('secret')"},
                "python3 -c"},
        NameRow{"Shell", "/bin/sh", {"sh", "-c", "curl -H 'Authorization: x'"}, "sh -c"},
        NameRow{"Script",
                "/usr/bin/python3.11",
                {"python3.11", "/srv/train.py", "--key", "x"},
                "python3.11 train.py"},
        NameRow{
            "ScriptCommand", "/usr/bin/node", {"node", "/usr/bin/npm", "install"}, "npm install"},
        NameRow{
            "HandedOn", "/usr/bin/pytest", {"/usr/bin/python3", "/usr/bin/pytest", "-q"}, "pytest"},
        NameRow{"HandedOnByEnv",
                "/usr/bin/npm",
                {"/usr/bin/env", "node", "/usr/bin/npm", "run", "build"},
                "npm run"},
        NameRow{"EnvOfInterpreter",
                "/usr/bin/env",
                {"env", "A=b", "python3", "-m", "build"},
                "python3 -m build"},
        NameRow{"FileNotKnown", "", {"x"}, "comm"}, NameRow{"NoArguments", "/bin/sh", {}, "sh"},
        NameRow{"Unprintable", "/bin/a\nb\xff", {}, "a?b?"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ToolNameTest, IsNeverLongerThanABoundedLabel) {
  const std::string longest(200, 'a');

  EXPECT_LE(ToolName("/usr/bin/python3", {"python3", longest + ".py"}, "").size(), 64u);
  EXPECT_LE(ToolName("/" + longest, {}, "").size(), 64u);
}

struct LineRow {
  const char* name;
  Arguments arguments;
  const char* expected;
};

class RedactedLineTest : public ::testing::TestWithParam<LineRow> {};

TEST_P(RedactedLineTest, HidesSecrets) {
  EXPECT_EQ(RedactedLine(GetParam().arguments), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(  // table
    Lines, RedactedLineTest,
    ::testing::Values(
        LineRow{"Plain", {"ls", "-la", "/srv"}, "ls -la /srv"},
        LineRow{"OptionWithValue", {"x", "--password=hunter2"}, "x --password=***"},
        LineRow{"OptionThenValue", {"x", "--api-key", "hunter2", "y"}, "x --api-key *** y"},
        LineRow{"Variable", {"env", "DB_PASSWORD=hunter2", "x"}, "env DB_PASSWORD=*** x"},
        LineRow{"Url",
                {"git", "clone", "https://me:hunter2@host/repo@v1"},
                "git clone https://***@host/repo@v1"},
        LineRow{"UrlWithout", {"curl", "https://host/a@b"}, "curl https://host/a@b"},
        LineRow{"Header",
                {"curl", "-H", "Authorization: Bearer abc.def"},
                "curl -H Authorization:*** Bearer ***"},
        LineRow{"UserOption", {"curl", "-u", "me:hunter2", "host"}, "curl -u *** host"},
        LineRow{"Token", {"x", "ghp_0123456789abcdef"}, "x ***"},
        LineRow{"TokenAsValue", {"x", "--id=sk-0123456789abcdef"}, "x --id=***"},
        LineRow{"RandomWord", {"x", "0123456789abcdef0123456789abcdef"}, "x ***"},
        LineRow{"InAScript",
                {"sh", "-c", "mysql --password hunter2 db"},
                "sh -c mysql --password *** db"},
        LineRow{"VariableInAScript",
                {"sh", "-c", "API_TOKEN='hunter2' run"},
                "sh -c API_TOKEN=***'***' run"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SplitArgumentsTest, LastOneMayBeCut) {
  EXPECT_EQ(SplitArguments(std::string_view("a\0\0bc", 5)), (Arguments{"a", "", "bc"}));
  EXPECT_TRUE(SplitArguments("").empty());
}

}  // namespace
}  // namespace ballast::source

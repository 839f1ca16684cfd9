#include "autoscaler/simulate/trace.h"

#include <gtest/gtest.h>

namespace ballast::simulate {
namespace {

constexpr std::string_view kHeader = "t_s,cpu_cores,memory_bytes\n";

std::string ErrorOf(const std::string& samples, const std::string& tools = "") {
  const auto trace = ParseTrace("a", samples, tools);
  return trace ? "" : trace.error().ToString();
}

TEST(ParseTraceTest, RowsBecomeSamples) {
  const auto trace = ParseTrace("a", std::string(kHeader) + "0,0.5,100\n1.5,1,200\n", "");

  ASSERT_TRUE(trace) << trace.error().ToString();
  ASSERT_EQ(trace->samples.size(), 2U);
  EXPECT_DOUBLE_EQ(trace->samples[1].at_seconds, 1.5);
  EXPECT_DOUBLE_EQ(trace->samples[1].cpu_cores, 1);
  EXPECT_DOUBLE_EQ(trace->samples[1].memory_bytes, 200);
  EXPECT_DOUBLE_EQ(trace->seconds(), 1.5);
}

TEST(ParseTraceTest, CarriageReturnsAndByteOrderMarkAreTaken) {
  EXPECT_EQ(ErrorOf("\xEF\xBB\xBFt_s,cpu_cores,memory_bytes\r\n0,0,1\r\n1,0,1\r\n"), "");
}

TEST(ParseTraceTest, EveryErrorNamesFileLineAndWhat) {
  struct Row {
    const char* name;
    std::string samples;
    const char* file_and_line;
    const char* what;
  };
  const std::string header(kHeader);
  const std::vector<Row> rows = {
      {"empty file", "", "a.csv", "empty"},
      {"other header", "time,cpu,mem\n0,0,0\n", "line 1", "t_s,cpu_cores,memory_bytes"},
      {"missing column", header + "0,0,1\n1,0\n", "line 3", "2 columns instead of 3"},
      {"no number", header + "0,0,1\n1,x,1\n", "line 3", "cpu_cores: 'x' is no number"},
      {"trailing text", header + "0,0,1\n1,1m,1\n", "line 3", "'1m' is no number"},
      {"not finite", header + "0,0,1\n1,nan,1\n", "line 3", "'nan' is no number"},
      {"negative", header + "0,0,1\n1,0,-1\n", "line 3", "memory_bytes: -1"},
      {"time stands", header + "1,0,1\n1,0,1\n", "line 3", "does not come after"},
      {"one sample", header + "0,0,1\n", "line 2", "two samples"},
      {"open quote", header + "0,0,\"1\n", "line 2", "quote"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const std::string error = ErrorOf(row.samples);
    EXPECT_NE(error.find("a.csv"), std::string::npos) << error;
    EXPECT_NE(error.find(row.file_and_line), std::string::npos) << error;
    EXPECT_NE(error.find(row.what), std::string::npos) << error;
  }
}

TEST(ParseTraceTest, ToolThatNeverEndedLastsToTheEnd) {
  const auto trace = ParseTrace("a", std::string(kHeader) + "0,0,1\n9,0,1\n",
                                "start_s,end_s,tool,command\n4,,Bash,\"pytest \"\"x\"\"\"\n");

  ASSERT_TRUE(trace) << trace.error().ToString();
  ASSERT_EQ(trace->tools.size(), 1U);
  EXPECT_EQ(trace->tools[0].program, "pytest");
  EXPECT_DOUBLE_EQ(trace->tools[0].end_seconds, 9);
}

TEST(ParseTraceTest, ToolErrorsNameTheToolsFile) {
  const std::string error =
      ErrorOf(std::string(kHeader) + "0,0,1\n1,0,1\n", "start_s,end_s,tool,command\n4,3,Bash,ls\n");

  EXPECT_NE(error.find("a.tools.csv"), std::string::npos) << error;
  EXPECT_NE(error.find("line 2"), std::string::npos) << error;
}

TEST(ReadTracesTest, MissingFolderIsNamed) {
  const auto traces = ReadTraces("/nowhere/at/all");

  ASSERT_FALSE(traces);
  EXPECT_NE(traces.error().ToString().find("/nowhere/at/all"), std::string::npos);
}

TEST(ProgramOfTest, FindsTheProgramThatDoesTheWork) {
  struct Row {
    const char* command;
    const char* program;
  };
  const std::vector<Row> rows = {
      {"pytest -x tests", "pytest"},
      {"cd /testbed && python -m pytest -x", "pytest"},
      {"source venv/bin/activate && python -m pytest", "pytest"},
      {"PYTHONPATH=. pytest a.py", "pytest"},
      {"timeout 60 /usr/bin/python3 x.py", "python"},
      {"python3 -m pip install -e .", "pip install"},
      {"npm install --silent", "npm install"},
      {"git diff", "git diff"},
      {"ls -la | head", "ls"},
      {"cd /tmp", "cd"},
      {"", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(ProgramOf(row.command), row.program) << row.command;
}

}  // namespace
}  // namespace ballast::simulate

#pragma once

// What one agent used, second by second, and the tool calls it made: the input
// of every simulation.
//
//   NAME.csv        t_s,cpu_cores,memory_bytes          header, then rows, time ascending
//   NAME.tools.csv  start_s,end_s,tool,command          optional; `command` may be missing,
//                                                       `end_s` may be empty (never ended)
//
// Fields may be quoted as RFC 4180 says. Errors name file, line and what is wrong.

#include <string>
#include <vector>

#include "collector/base/result.h"

namespace ballast::simulate {

struct Sample {
  double at_seconds = 0;
  double cpu_cores = 0;
  double memory_bytes = 0;
};

struct ToolSpan {
  double begin_seconds = 0;
  double end_seconds = 0;
  std::string program;  // "pytest", "npm install", "git diff"; never the whole command line
};

struct Trace {
  std::string name;
  std::vector<Sample> samples;  // at least two, time ascending
  std::vector<ToolSpan> tools;  // by begin

  double seconds() const { return samples.back().at_seconds - samples.front().at_seconds; }
};

// Every NAME.csv of the folder with its tools, in the order of their names.
Result<std::vector<Trace>> ReadTraces(const std::string& folder);

// From the text of the two files; `tools` is empty where there is none.
// `name` is the path in errors, without ".csv".
Result<Trace> ParseTrace(const std::string& name, std::string_view samples, std::string_view tools);

// The program that a shell command line would be seen to execute, with its
// subcommand where programs are known to have them: "cd x && python -m pytest -x"
// is "pytest". What the collector sees by exec, a trace only has as the line.
std::string ProgramOf(std::string_view command);

// Highest memory of the trace.
double PeakMemory(const Trace& trace);

}  // namespace ballast::simulate

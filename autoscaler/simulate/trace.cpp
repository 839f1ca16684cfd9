#include "autoscaler/simulate/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

#include "autoscaler/simulate/csv.h"
#include "collector/base/file.h"

namespace ballast::simulate {
namespace {

// A day of samples at 10 Hz is 30 MB; more is no trace of one agent.
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 26;
// Ten million seconds and a petabyte: beyond, a column was mistaken for another.
constexpr double kMaxSeconds = 1e7;
constexpr double kMaxCores = 1e5;
constexpr double kMaxBytes = 1e15;

std::optional<double> Number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

// One column of one row; the error says where and what.
Result<double> Amount(const CsvRow& row, std::size_t column, std::string_view what, double most,
                      double least = 0) {
  const auto value = Number(row.fields[column]);
  if (!value)
    return Error::Invalid(
        fmt::format("line {}: {}: '{}' is no number", row.line, what, row.fields[column]));
  if (*value < least || *value > most)
    return Error::Invalid(fmt::format("line {}: {}: {} is not between {} and {}", row.line, what,
                                      *value, least, most));
  return *value;
}

Result<> CheckHeader(const std::vector<CsvRow>& rows, const std::vector<std::string>& wanted,
                     std::size_t least) {
  if (rows.empty()) return Error::Invalid("line 1: the file is empty");
  const auto& fields = rows.front().fields;
  const bool fits = fields.size() >= least && fields.size() <= wanted.size() &&
                    std::equal(fields.begin(), fields.end(), wanted.begin());
  if (fits) return Ok();
  return Error::Invalid(fmt::format("line 1: the header must be {}", fmt::join(wanted, ",")));
}

Result<std::vector<Sample>> ParseSamples(std::string_view text) {
  BALLAST_TRY(const auto rows, ParseCsv(text), "csv");
  BALLAST_TRY_DO(CheckHeader(rows, {"t_s", "cpu_cores", "memory_bytes"}, 3), "header");
  std::vector<Sample> samples;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const CsvRow& row = rows[i];
    if (row.fields.size() != 3)
      return Error::Invalid(
          fmt::format("line {}: {} columns instead of 3", row.line, row.fields.size()));
    Sample sample;
    BALLAST_TRY(sample.at_seconds, Amount(row, 0, "t_s", kMaxSeconds), "sample");
    BALLAST_TRY(sample.cpu_cores, Amount(row, 1, "cpu_cores", kMaxCores), "sample");
    BALLAST_TRY(sample.memory_bytes, Amount(row, 2, "memory_bytes", kMaxBytes), "sample");
    if (!samples.empty() && sample.at_seconds <= samples.back().at_seconds)
      return Error::Invalid(fmt::format("line {}: t_s: {} does not come after {}", row.line,
                                        sample.at_seconds, samples.back().at_seconds));
    samples.push_back(sample);
  }
  if (samples.size() < 2)
    return Error::Invalid(
        fmt::format("line {}: a trace needs at least two samples", rows.back().line));
  return samples;
}

Result<std::vector<ToolSpan>> ParseTools(std::string_view text, double last) {
  std::vector<ToolSpan> spans;
  if (text.empty()) return spans;
  BALLAST_TRY(const auto rows, ParseCsv(text), "csv");
  BALLAST_TRY_DO(CheckHeader(rows, {"start_s", "end_s", "tool", "command"}, 3), "header");
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const CsvRow& row = rows[i];
    if (row.fields.size() < 3 || row.fields.size() > 4)
      return Error::Invalid(
          fmt::format("line {}: {} columns instead of 3 or 4", row.line, row.fields.size()));
    ToolSpan span;
    // A call may have begun before the first sample.
    BALLAST_TRY(span.begin_seconds, Amount(row, 0, "start_s", kMaxSeconds, -kMaxSeconds), "tool");
    span.end_seconds = std::max(last, span.begin_seconds);
    if (!row.fields[1].empty()) {
      BALLAST_TRY(span.end_seconds, Amount(row, 1, "end_s", kMaxSeconds, -kMaxSeconds), "tool");
    }
    if (span.end_seconds < span.begin_seconds)
      return Error::Invalid(fmt::format("line {}: end_s: {} is before start_s {}", row.line,
                                        span.end_seconds, span.begin_seconds));
    if (row.fields.size() == 4) span.program = ProgramOf(row.fields[3]);
    // Tools that run inside the agent (Read, Edit) start no program.
    if (span.program.empty()) continue;
    spans.push_back(std::move(span));
  }
  std::stable_sort(spans.begin(), spans.end(), [](const ToolSpan& a, const ToolSpan& b) {
    return a.begin_seconds < b.begin_seconds;
  });
  return spans;
}

bool EndsIn(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

Result<Trace> ParseTrace(const std::string& name, std::string_view samples,
                         std::string_view tools) {
  Trace trace;
  trace.name = name;
  BALLAST_TRY(trace.samples, ParseSamples(samples), name + ".csv");
  BALLAST_TRY(trace.tools, ParseTools(tools, trace.samples.back().at_seconds), name + ".tools.csv");
  return trace;
}

Result<std::vector<Trace>> ReadTraces(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    const std::string path = file->path().string();
    if (EndsIn(path, ".csv") && !EndsIn(path, ".tools.csv"))
      names.push_back(path.substr(0, path.size() - 4));
  }
  if (error) return Error(error, folder);
  if (names.empty()) return Error::Invalid(folder + ": no NAME.csv in this folder");
  std::ranges::sort(names);
  std::vector<Trace> traces;
  for (const std::string& name : names) {
    BALLAST_TRY(const std::string samples, ReadSmallFile(name + ".csv", kMaxFileBytes), "traces");
    std::string tools;
    if (std::filesystem::exists(name + ".tools.csv", error)) {
      BALLAST_TRY(tools, ReadSmallFile(name + ".tools.csv", kMaxFileBytes), "traces");
    }
    auto trace = ParseTrace(name, samples, tools);
    if (!trace) return std::move(trace).error();
    traces.push_back(*std::move(trace));
  }
  return traces;
}

double PeakMemory(const Trace& trace) {
  return std::ranges::max_element(trace.samples, {}, &Sample::memory_bytes)->memory_bytes;
}

}  // namespace ballast::simulate

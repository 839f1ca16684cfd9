#pragma once

// Pieces of the text formats, appended to a page.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/export/history.h"
#include "collector/model/histogram.h"

namespace ballast::exposition {

void AppendNumber(std::string& out, std::uint64_t value);
void AppendNumber(std::string& out, double value);
// Nanoseconds as seconds, exact: 1500000000 -> "1.5".
void AppendSeconds(std::string& out, std::uint64_t nanoseconds);

// name{labels} without the value; `more` are further labels, already formatted.
void AppendSeries(std::string& out, std::string_view name, std::string_view suffix,
                  std::string_view labels, std::string_view more);

// The classic buckets: the log2 buckets between 8 us and 17 s, each a line of its own; what lies
// below or above is in the first and in +Inf.
inline constexpr int kFirstEdge = 3;  // waits below are the scheduler's own noise
inline constexpr int kLastEdge = 24;

// _bucket, _sum and _count. `exemplar` (may be null; OpenMetrics only) goes to the bucket that its
// duration belongs to.
void AppendHistogram(std::string& out, std::string_view name, std::string_view labels,
                     std::string_view more, const model::Histogram& histogram,
                     const Exemplar* exemplar);

// The line behind "# HELP name ": backslash and newline escaped, in OpenMetrics quotes, too.
void AppendHelp(std::string& out, std::string_view help, bool is_open_metrics);

}  // namespace ballast::exposition

#pragma once

// Pieces of the text format 0.0.4, appended to a page.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/model/histogram.h"

namespace ballast::exposition {

// name="value", escaped; a byte that is no UTF-8 becomes U+FFFD, because one
// such byte makes Prometheus refuse the whole page. Adds a comma where needed.
void AppendLabel(std::string& labels, std::string_view name, std::string_view value);

// Length of the UTF-8 character that `text` begins with; 0: it begins with none.
std::size_t Utf8Length(std::string_view text);

void AppendNumber(std::string& out, std::uint64_t value);
void AppendNumber(std::string& out, double value);
// Nanoseconds as seconds, exact: 1500000000 -> "1.5".
void AppendSeconds(std::string& out, std::uint64_t nanoseconds);

// name{labels} without the value; `more` are further labels, already formatted.
void AppendSeries(std::string& out, std::string_view name, std::string_view suffix,
                  std::string_view labels, std::string_view more);
// _bucket, _sum and _count. The log2 buckets between 8 us and 17 s, each a
// line of its own; what lies below or above is in the first and in +Inf.
void AppendHistogram(std::string& out, std::string_view name, std::string_view labels,
                     const model::Histogram& histogram);

}  // namespace ballast::exposition

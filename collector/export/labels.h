#pragma once

// Labels of a series, written once for each workload and page and then copied.

#include <string>
#include <string_view>

#include "collector/export/format.h"

namespace ballast::exposition {

// Appends one label in the form that the format's series have them:
//   text, OpenMetrics   name="value", escaped, with a comma where needed
//   protobuf            field 1 of io.prometheus.client.Metric
// A byte that is no UTF-8 becomes U+FFFD, because one such byte makes
// Prometheus refuse the whole page.
void AppendLabel(std::string& labels, Format format, std::string_view name, std::string_view value);

// A catalogue's own labels: name="value",... without escapes.
void AppendStaticLabels(std::string& labels, Format format, std::string_view text);

// Length of the UTF-8 character that `text` begins with; 0: it begins with none.
std::size_t Utf8Length(std::string_view text);

}  // namespace ballast::exposition

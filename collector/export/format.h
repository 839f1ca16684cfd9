#pragma once

// In which of Prometheus' three formats a page is written, and how a client
// asks for one.

#include <string_view>

namespace ballast::exposition {

enum class Format {
  kText,         // text format 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0: units, exemplars, # EOF
  kProtobuf,     // io.prometheus.client.MetricFamily, delimited: native histograms
};

std::string_view ContentTypeOf(Format format);

// What the client likes best of what there is; text where it names none of
// them, as every exporter does. `accept` is the header's value, with weights.
Format NegotiateFormat(std::string_view accept);
// Whether an Accept-Encoding header takes gzip.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace ballast::exposition

#include "collector/export/format.h"

#include <gtest/gtest.h>

#include <ostream>

namespace ballast::exposition {
namespace {

constexpr const char* kPrometheus242 =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
constexpr const char* kWithNativeHistograms =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
constexpr const char* kPrometheus3 =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

struct AcceptCase {
  const char* name;
  const char* accept;
  Format format;
};
void PrintTo(const AcceptCase& c, std::ostream* out) {
  *out << c.name;
}
class AcceptTest : public ::testing::TestWithParam<AcceptCase> {};

TEST_P(AcceptTest, BestLikedFormatIsChosen) {
  EXPECT_EQ(NegotiateFormat(GetParam().accept), GetParam().format);
}

INSTANTIATE_TEST_SUITE_P(
    Table, AcceptTest,
    ::testing::Values(
        AcceptCase{"NothingSaid", "", Format::kText}, AcceptCase{"Any", "*/*", Format::kText},
        AcceptCase{"Browser", "text/html,application/xhtml+xml,*/*;q=0.8", Format::kText},
        AcceptCase{"Prometheus", kPrometheus242, Format::kOpenMetrics},
        AcceptCase{"NativeHistograms", kWithNativeHistograms, Format::kProtobuf},
        AcceptCase{"Prometheus3", kPrometheus3, Format::kOpenMetrics},
        AcceptCase{"TextLikedBetter", "application/openmetrics-text;q=0.2,text/plain;q=0.9",
                   Format::kText},
        AcceptCase{"RefusedByWeight", "application/openmetrics-text;q=0", Format::kText},
        AcceptCase{"WeightThatIsNone", "application/openmetrics-text;q=high", Format::kText},
        AcceptCase{"NewerOpenMetrics", "application/openmetrics-text;version=9.0.0", Format::kText},
        AcceptCase{"OtherProtobuf", "application/vnd.google.protobuf;proto=x;encoding=delimited",
                   Format::kText},
        AcceptCase{"SpacesAndCase", " Application/OpenMetrics-Text ; Version = \"1.0.0\" ",
                   Format::kOpenMetrics},
        AcceptCase{"OnlyCommas", ",,;,;=", Format::kText}),
    [](const auto& test) { return test.param.name; });

struct EncodingCase {
  const char* name;
  const char* accept_encoding;
  bool gzip;
};
void PrintTo(const EncodingCase& c, std::ostream* out) {
  *out << c.name;
}
class EncodingTest : public ::testing::TestWithParam<EncodingCase> {};

TEST_P(EncodingTest, GzipIsUsedWhereItIsTaken) {
  EXPECT_EQ(AcceptsGzip(GetParam().accept_encoding), GetParam().gzip);
}

INSTANTIATE_TEST_SUITE_P(Table, EncodingTest,
                         ::testing::Values(EncodingCase{"NothingSaid", "", false},
                                           EncodingCase{"Gzip", "gzip", true},
                                           EncodingCase{"Browser", "deflate, gzip;q=1.0, br", true},
                                           EncodingCase{"Refused", "gzip;q=0, *", false},
                                           EncodingCase{"Any", "*", true},
                                           EncodingCase{"Identity", "identity", false}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ballast::exposition

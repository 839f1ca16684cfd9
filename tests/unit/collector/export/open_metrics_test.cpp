// OpenMetrics pages, judged by the reference parser of another project (python3-prometheus-client).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/support/full_state.h"
#include "tests/unit/collector/export/page_support.h"

namespace ballast::exposition {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::Field;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The parser's verdict: "ok N samples", or what is wrong.
std::string Parse(const std::string& page) {
  char name[] = "/tmp/ballast-page-XXXXXX";
  ::close(::mkstemp(name));
  std::ofstream(name) << page;
  // Debian's own interpreter, which Debian's package is for.
  const std::string command =
      "/usr/bin/python3 -c \"import sys; from prometheus_client.openmetrics.parser import "
      "text_string_to_metric_families as parse; n = sum(len(f.samples) for f in "
      "parse(open(sys.argv[1]).read())); print('ok', n, 'samples')\" " +
      std::string(name) + " 2>&1 | tail -1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string verdict;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) verdict += line;
  ::pclose(pipe);
  ::unlink(name);
  return verdict;
}

test::StateOf ToolCallState(std::uint64_t duration_ns) {
  model::EntityRow tool = test::Row(2, EntityKind::kTool, 1);
  tool.fields.SetText(Field::kProgram, "pytest");
  model::Histogram histogram;
  histogram.counts[19] = 1;
  histogram.sum_ns = duration_ns;
  tool.fields.SetHistogram(Field::kCallDuration, histogram);
  test::StateOf state({test::ContainerRow(1, "/a"), tool});
  model::Event call{model::EventKind::kToolCall, EntityRef{1}, {}, {}, {}};
  call.fields.SetText(Field::kProgram, "pytest");
  call.fields.Set(Field::kSpanId, 77);
  call.fields.Set(Field::kDurationNs, duration_ns);
  state.Apply(call);
  return state;
}

TEST(OpenMetricsTest, PageWithEveryFamilyIsParsedByAnotherProject) {
  const model::State state = test::FullState(3);
  Exposition exposition;

  const auto verdict = Parse(WholePage(exposition.Take(state, Format::kOpenMetrics)));

  EXPECT_THAT(verdict, StartsWith("ok "));
}

TEST(OpenMetricsTest, ParserRefusesAPageThatIsWrong) {
  EXPECT_THAT(Parse("# TYPE a counter\na 1\n# EOF\n"), Not(StartsWith("ok ")));
}

TEST(OpenMetricsTest, CounterFamilyHasItsUnitAndNoTotal) {
  model::EntityRow row = test::ContainerRow(1, "/a");
  row.fields.Set(Field::kCpuUsageNs, 1'500'000'000);

  const auto page = test::StateOf({row}).Page(Format::kOpenMetrics);

  EXPECT_THAT(page, HasSubstr("# TYPE container_cpu_usage_seconds counter\n"
                              "# UNIT container_cpu_usage_seconds seconds\n"
                              "container_cpu_usage_seconds_total{id=\"/a\""));
  EXPECT_THAT(page, EndsWith("\n# EOF\n"));
}

TEST(OpenMetricsTest, ExemplarNamesTheSpanOnItsBucketAlone) {
  const auto page = ToolCallState(300'000'000).Page(Format::kOpenMetrics);

  EXPECT_THAT(page, HasSubstr("le=\"0.524288\"} 1 # {span_id=\"77\"} 0.3 1700000100\n"));
  EXPECT_EQ(page.find("# {span_id"), page.rfind("# {span_id"));
  EXPECT_THAT(Parse(page), StartsWith("ok "));
}

TEST(OpenMetricsTest, SpanLongerThanEveryEdgeIsOnTheLastBucket) {
  const auto page = ToolCallState(90'000'000'000).Page(Format::kOpenMetrics);

  EXPECT_THAT(page, HasSubstr("le=\"+Inf\"} 1 # {span_id=\"77\"} 90 "));
}

TEST(OpenMetricsTest, TextFormatHasNoExemplars) {
  EXPECT_THAT(ToolCallState(300'000'000).Page(), Not(HasSubstr("span_id")));
}

}  // namespace
}  // namespace ballast::exposition

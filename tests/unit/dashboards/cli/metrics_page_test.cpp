#include "dashboards/cli/metrics_page.h"

#include <gtest/gtest.h>

#include "collector/base/file.h"

namespace ballast::cli {
namespace {

TEST(MetricsPageTest, TheFileInTheRepositoryIsWhatTheProgramsExport) {
  const auto file = ReadSmallFile(BALLAST_METRICS_PAGE);

  ASSERT_TRUE(file) << file.error().ToString();
  EXPECT_EQ(*file, MetricsPage()) << "run: ballast metrics > METRICS.md";
}

}  // namespace
}  // namespace ballast::cli

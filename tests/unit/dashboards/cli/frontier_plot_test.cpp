#include "dashboards/cli/frontier_plot.h"

#include <gtest/gtest.h>

namespace ballast::cli {
namespace {

TEST(FrontierSvgTest, NamesEveryCurveAndStandsAlone) {
  const std::string svg = FrontierSvg({{"vpa", {{0.6, 0.06, 0, 0, true}}},
                                       {"ballast", {{0.2, 0, 0, 0, true}, {0.3, 0, 0, 0, false}}}});

  EXPECT_TRUE(svg.starts_with("<svg xmlns='http://www.w3.org/2000/svg'"));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find(">vpa</text>"), std::string::npos);
  EXPECT_NE(svg.find(">ballast</text>"), std::string::npos);
  EXPECT_NE(svg.find("vpa: slack 60.0 %, violated 6.00 %"), std::string::npos);
  EXPECT_EQ(svg.find("href"), std::string::npos);
}

TEST(FrontierSvgTest, MoreSlackStandsFurtherRightAndMoreHarmHigher) {
  const auto position = [](double slack, double violated) {
    const std::string svg = FrontierSvg({{"p", {{slack, violated, 0, 0, true}}}});
    const auto at = svg.find("<circle cx='");
    double x = 0;
    double y = 0;
    EXPECT_EQ(std::sscanf(svg.c_str() + at, "<circle cx='%lf' cy='%lf'", &x, &y), 2);
    return std::pair{x, y};
  };

  EXPECT_LT(position(0.2, 0.01).first, position(0.4, 0.01).first);
  EXPECT_GT(position(0.2, 0.01).second, position(0.2, 0.10).second);
  EXPECT_EQ(position(0.2, 0).second, position(0.2, 1e-5).second);
}

}  // namespace
}  // namespace ballast::cli

#include "dashboards/cli/frontier_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace ballast::cli {
namespace {

constexpr double kWidth = 900;
constexpr double kHeight = 560;
constexpr double kLeft = 80;
constexpr double kRight = 190;
constexpr double kTop = 50;
constexpr double kBottom = 60;
// Shares of violated tasks from a hundredth of a per cent, on a logarithmic axis; fewer
// (none at all above all) stand on the axis.
constexpr double kLeastViolated = 1e-4;
// Okabe and Ito's colours, told apart by colour-blind people; the last one is ours.
constexpr std::array<const char*, 9> kColours = {"#0072B2", "#56B4E9", "#E69F00",
                                                 "#009E73", "#CC79A7", "#999999",
                                                 "#666666", "#B0A000", "#332288"};
constexpr const char* kOurs = "#D55E00";

double X(double slack) {
  return kLeft + std::clamp(slack, 0.0, 1.0) * (kWidth - kLeft - kRight);
}

double Y(double violated) {
  const double share = std::log10(std::clamp(violated, kLeastViolated, 1.0) / kLeastViolated) / 4;
  return kHeight - kBottom - share * (kHeight - kTop - kBottom);
}

void AddAxes(std::string& svg) {
  const auto out = std::back_inserter(svg);
  for (int i = 0; i <= 10; ++i) {
    const double x = X(i / 10.0);
    fmt::format_to(out,
                   "<line x1='{0:.1f}' y1='{1}' x2='{0:.1f}' y2='{2}' class='grid'/>"
                   "<text x='{0:.1f}' y='{3}' text-anchor='middle'>{4}</text>\n",
                   x, kTop, kHeight - kBottom, kHeight - kBottom + 18, i * 10);
  }
  for (const auto& [violated, label] :
       {std::pair{1e-4, "≤0.01"}, std::pair{1e-3, "0.1"}, std::pair{1e-2, "1"},
        std::pair{1e-1, "10"}, std::pair{1.0, "100"}}) {
    const double y = Y(violated);
    fmt::format_to(out,
                   "<line x1='{1}' y1='{0:.1f}' x2='{2}' y2='{0:.1f}' class='grid'/>"
                   "<text x='{3}' y='{4:.1f}' text-anchor='end'>{5}</text>\n",
                   y, kLeft, kWidth - kRight, kLeft - 8, y + 4, label);
  }
  fmt::format_to(out,
                 "<text x='{}' y='{}' text-anchor='middle'>slack: reserved memory that is not "
                 "used, %</text>\n"
                 "<text transform='translate(22 {}) rotate(-90)' text-anchor='middle'>tasks "
                 "violated, %</text>\n"
                 "<text x='{}' y='28' class='title'>Memory set aside against tasks harmed: lower "
                 "left is better</text>\n",
                 (kLeft + kWidth - kRight) / 2, kHeight - 18, (kTop + kHeight - kBottom) / 2,
                 kLeft);
}

// What the project promises: few tasks harmed with little set aside.
constexpr double kMostSlack = 0.35;
constexpr double kMostViolated = 0.01;

void AddPromise(std::string& svg) {
  fmt::format_to(
      std::back_inserter(svg),
      "<rect x='{0}' y='{1:.1f}' width='{2:.1f}' height='{3:.1f}' fill='#009E73' "
      "fill-opacity='0.08'/><text x='{4:.1f}' y='{5:.1f}' class='note'>at most {6:.0f} % "
      "violated at {7:.0f} % slack</text>\n",
      kLeft, Y(kMostViolated), X(kMostSlack) - kLeft, kHeight - kBottom - Y(kMostViolated),
      kLeft + 8, Y(kMostViolated) + 18, kMostViolated * 100, kMostSlack * 100);
}

void AddCurve(std::string& svg, const Curve& curve, const char* colour, double legend_y) {
  const auto out = std::back_inserter(svg);
  std::string path;
  for (const FrontierPoint& point : curve.points)
    fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", path.empty() ? "M" : " L",
                   X(point.slack), Y(point.violated));
  fmt::format_to(out, "<path d='{}' fill='none' stroke='{}' stroke-width='1.5'/>\n", path, colour);
  for (const FrontierPoint& point : curve.points) {
    fmt::format_to(out,
                   "<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' stroke='{}' "
                   "stroke-opacity='0.4'/>"
                   "<line x1='{:.1f}' y1='{:.1f}' x2='{:.1f}' y2='{:.1f}' stroke='{}' "
                   "stroke-opacity='0.4'/>\n",
                   X(point.slack), Y(point.violated - point.violated_half_width), X(point.slack),
                   Y(point.violated + point.violated_half_width), colour,
                   X(point.slack - point.slack_half_width), Y(point.violated),
                   X(point.slack + point.slack_half_width), Y(point.violated), colour);
    fmt::format_to(out,
                   "<circle cx='{:.1f}' cy='{:.1f}' r='{}' fill='{}'><title>{}: slack {:.1f} %, "
                   "violated {:.2f} %</title></circle>\n",
                   X(point.slack), Y(point.violated), point.is_default ? 6 : 3, colour, curve.name,
                   point.slack * 100, point.violated * 100);
  }
  fmt::format_to(
      out, "<circle cx='{0}' cy='{1}' r='5' fill='{2}'/><text x='{3}' y='{4}'>{5}</text>\n",
      kWidth - kRight + 20, legend_y, colour, kWidth - kRight + 32, legend_y + 4, curve.name);
}

}  // namespace

std::string FrontierSvg(const std::vector<Curve>& curves) {
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}'>\n"
      "<style>text{{font:13px sans-serif;fill:#222}}.title{{font-size:16px;font-weight:bold}}"
      ".note{{font-size:11px;fill:#555}}.grid{{stroke:#ddd}}</style>\n<rect width='100%' "
      "height='100%' fill='white'/>\n",
      kWidth, kHeight);
  AddAxes(svg);
  AddPromise(svg);
  fmt::format_to(std::back_inserter(svg),
                 "<text x='{0}' y='{1}' class='note'>large dot: as it comes</text>"
                 "<text x='{0}' y='{2}' class='note'>small: sets aside 0.5 to 3</text>"
                 "<text x='{0}' y='{3}' class='note'>times as much; bars: 95 %</text>\n",
                 kWidth - kRight + 14, kHeight - kBottom - 36, kHeight - kBottom - 20,
                 kHeight - kBottom - 4);
  std::size_t next = 0;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const bool ours = curves[i].name == "ballast";
    AddCurve(svg, curves[i], ours ? kOurs : kColours[next++ % kColours.size()],
             kTop + 20 + 24 * static_cast<double>(i));
  }
  return svg + "</svg>\n";
}

}  // namespace ballast::cli

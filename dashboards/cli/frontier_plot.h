#pragma once

// Slack against the share of violated tasks, one curve per policy, as an SVG that needs nothing
// else: the nearer to the lower left corner, the better.

#include <string>
#include <vector>

namespace ballast::cli {

struct FrontierPoint {
  double slack = 0;             // share
  double violated = 0;          // share
  double slack_half_width = 0;  // of the 95 % interval
  double violated_half_width = 0;
  bool is_default = false;  // the policy as it comes
};

struct Curve {
  std::string name;
  std::vector<FrontierPoint> points;
};

std::string FrontierSvg(const std::vector<Curve>& curves);

}  // namespace ballast::cli

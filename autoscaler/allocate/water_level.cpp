#include "autoscaler/allocate/water_level.h"

#include <algorithm>
#include <vector>

namespace ballast::allocate {
namespace {

// The levels at which some vessel starts or stops to rise.
std::vector<double> Breakpoints(std::span<const Vessel> vessels) {
  std::vector<double> levels;
  levels.reserve(2 * vessels.size());
  for (const Vessel& vessel : vessels) {
    levels.push_back(vessel.lo / vessel.weight);
    levels.push_back(vessel.hi / vessel.weight);
  }
  return levels;
}

}  // namespace

double Fill(const Vessel& vessel, double level) {
  return std::clamp(vessel.weight * level, vessel.lo, vessel.hi);
}

double FilledAt(std::span<const Vessel> vessels, double level) {
  double sum = 0;
  for (const Vessel& vessel : vessels) sum += Fill(vessel, level);
  return sum;
}

WaterLevel FindWaterLevel(std::span<const Vessel> vessels, double water) {
  std::vector<double> levels = Breakpoints(vessels);
  // A fixed-order sum of rising terms rises, rounding included, so halving is sound.
  auto first = levels.begin();
  auto last = levels.end();
  double below = 0;
  double end = -1;  // none yet
  while (first != last) {
    const auto middle = first + (last - first) / 2;
    std::nth_element(first, middle, last);
    if (FilledAt(vessels, *middle) <= water) {
      below = std::max(below, *middle);
      first = middle + 1;
    } else {
      end = *middle;
      last = middle;
    }
  }
  if (end < 0) end = below;
  // Between two breakpoints the same vessels rise; the rest stand still.
  double still = 0;
  double rising = 0;
  const double between = below + (end - below) / 2;
  for (const Vessel& vessel : vessels) {
    const double wanted = vessel.weight * between;
    if (wanted > vessel.lo && wanted < vessel.hi)
      rising += vessel.weight;
    else
      still += Fill(vessel, between);
  }
  if (rising <= 0) return {below, 0};
  return {std::clamp((water - still) / rising, below, end), rising};
}

}  // namespace ballast::allocate

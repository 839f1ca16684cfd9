#pragma once

// Vessels that share one body of water: at level L each holds clamp(weight * L,
// lo, hi), and the sum only rises with L. What every fair division here comes
// down to: one resource (allocate.h), and each resource of a coupled host
// (host.h).
//
// The level is found between the breakpoints lo/weight and hi/weight by halving
// their set around its median (selection, not sorting): O(n log n) additions and
// O(n) comparisons. Each probe is a fresh sum, so no error builds up.

#include <span>

namespace ballast::allocate {

// Requires: weight > 0, 0 <= lo <= hi, all finite.
struct Vessel {
  double weight = 1;
  double lo = 0;
  double hi = 0;
};

double Fill(const Vessel& vessel, double level);
double FilledAt(std::span<const Vessel> vessels, double level);

struct WaterLevel {
  double level = 0;
  // Sum of the weights that rise there: one more unit of water lifts the level by 1 / rising. 0:
  // only between two breakpoints that coincide.
  double rising = 0;
};

// The level at which `vessels` hold exactly `water`.
// Requires: sum lo <= water < sum hi, rounding apart.
WaterLevel FindWaterLevel(std::span<const Vessel> vessels, double water);

}  // namespace ballast::allocate

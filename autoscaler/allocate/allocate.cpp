#include "autoscaler/allocate/allocate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "collector/base/check.h"

namespace ballast::allocate {
namespace {

// lo and hi of equation (4), and where the water passes them.
struct Vessel {
  std::size_t item = 0;
  double weight = 1;
  double lo = 0;
  double hi = 0;
};

// 0.1 + 0.2 cores must fit into 0.3: sums may miss by rounding, never by more.
constexpr double kRelativeSlack = 1e-12;

bool IsAmount(double value) {
  return std::isfinite(value) && value >= 0;
}

void CheckProblem(const Problem& problem) {
  BALLAST_CHECK(IsAmount(problem.capacity), "the capacity is a finite amount");
  for (const Item& item : problem.items) {
    BALLAST_CHECK(IsAmount(item.demand) && IsAmount(item.guarantee),
                  "amounts are finite and not negative");
    BALLAST_CHECK(item.ceiling >= item.guarantee, "a ceiling is not below the guarantee");
    BALLAST_CHECK(std::isfinite(item.weight) && item.weight > 0, "weights are above zero");
  }
}

Vessel ToVessel(const Item& item, std::size_t index) {
  const double hi = std::min(item.demand, item.ceiling);
  return {index, item.weight, std::min(item.guarantee, hi), hi};
}

double Fill(const Vessel& vessel, double level) {
  return std::clamp(vessel.weight * level, vessel.lo, vessel.hi);
}

double FilledAt(const std::vector<Vessel>& vessels, double level) {
  double sum = 0;
  for (const Vessel& vessel : vessels) sum += Fill(vessel, level);
  return sum;
}

// The levels at which some vessel starts or stops to rise, ascending.
std::vector<double> Breakpoints(const std::vector<Vessel>& vessels) {
  std::vector<double> levels;
  levels.reserve(2 * vessels.size());
  for (const Vessel& vessel : vessels) {
    levels.push_back(vessel.lo / vessel.weight);
    levels.push_back(vessel.hi / vessel.weight);
  }
  std::sort(levels.begin(), levels.end());
  return levels;
}

// The level at which `vessels` hold exactly `water`.
// Requires: sum lo <= water < sum hi.
double WaterLevel(const std::vector<Vessel>& vessels, double water) {
  const std::vector<double> levels = Breakpoints(vessels);
  // A fixed-order sum of rising terms rises, rounding included, so the search is sound.
  const auto above = std::partition_point(levels.begin(), levels.end(), [&](double level) {
    return FilledAt(vessels, level) <= water;
  });
  const double below = above == levels.begin() ? 0.0 : *std::prev(above);
  const double end = above == levels.end() ? below : *above;
  // Between two breakpoints the same vessels rise; the rest stand still.
  double still = 0;
  double rising_weight = 0;
  const double middle = below + (end - below) / 2;
  for (const Vessel& vessel : vessels) {
    const double wanted = vessel.weight * middle;
    if (wanted > vessel.lo && wanted < vessel.hi)
      rising_weight += vessel.weight;
    else
      still += Fill(vessel, middle);
  }
  if (rising_weight <= 0) return below;
  return std::clamp((water - still) / rising_weight, below, end);
}

Binding BindingOf(const Item& item, const Vessel& vessel, double amount, double level) {
  if (amount >= vessel.hi) return item.ceiling < item.demand ? Binding::kCeiling : Binding::kDemand;
  const bool lifted = vessel.lo > 0 && vessel.weight * level <= vessel.lo;
  return lifted ? Binding::kGuarantee : Binding::kWaterLevel;
}

double SumLo(const std::vector<Vessel>& vessels) {
  return std::accumulate(vessels.begin(), vessels.end(), 0.0,
                         [](double sum, const Vessel& vessel) { return sum + vessel.lo; });
}

}  // namespace

const char* ToString(Binding binding) {
  switch (binding) {
    case Binding::kDemand:
      return "demand";
    case Binding::kCeiling:
      return "ceiling";
    case Binding::kGuarantee:
      return "guarantee";
    case Binding::kWaterLevel:
      return "water_level";
  }
  return "unknown";
}

Allocation Allocate(const Problem& problem) {
  CheckProblem(problem);
  std::map<int, std::vector<Vessel>, std::greater<>> tiers;
  for (std::size_t i = 0; i < problem.items.size(); ++i)
    tiers[problem.items[i].priority].push_back(ToVessel(problem.items[i], i));
  double guaranteed = 0;
  for (const auto& [priority, vessels] : tiers) guaranteed += SumLo(vessels);

  Allocation result;
  if (guaranteed > problem.capacity * (1 + kRelativeSlack)) {
    result.status = Status::kInfeasible;
    result.explanation = fmt::format("guarantees of {} exceed the capacity of {} by {}", guaranteed,
                                     problem.capacity, guaranteed - problem.capacity);
    return result;
  }
  result.amounts.resize(problem.items.size());
  result.bindings.resize(problem.items.size());
  double left = problem.capacity;
  for (const auto& [priority, vessels] : tiers) {
    const double own_guarantees = SumLo(vessels);
    // Lower tiers keep their guarantees, whatever this one wants.
    const double water = std::max(left - (guaranteed - own_guarantees), own_guarantees);
    double level = std::numeric_limits<double>::infinity();
    if (FilledAt(vessels, level) > water) {
      level = WaterLevel(vessels, water);
      result.water_level = std::min(result.water_level, level);
      result.shadow_price = 1;
    }
    for (const Vessel& vessel : vessels) {
      const double amount = Fill(vessel, level);
      result.amounts[vessel.item] = amount;
      result.bindings[vessel.item] = BindingOf(problem.items[vessel.item], vessel, amount, level);
      result.objective += amount;
      left -= amount;
    }
    guaranteed -= own_guarantees;
  }
  return result;
}

}  // namespace ballast::allocate

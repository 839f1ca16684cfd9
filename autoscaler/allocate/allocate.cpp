#include "autoscaler/allocate/allocate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "autoscaler/allocate/water_level.h"
#include "collector/base/check.h"

namespace ballast::allocate {
namespace {

bool IsAmount(double value) {
  return std::isfinite(value) && value >= 0;
}

// One tier: lo and hi of equation (4), and whose they are.
struct Tier {
  std::vector<Vessel> vessels;
  std::vector<std::size_t> items;

  void Add(const Item& item, std::size_t index) {
    const double hi = std::min(item.demand, item.ceiling);
    vessels.push_back({item.weight, std::min(item.guarantee, hi), hi});
    items.push_back(index);
  }
};

Binding BindingOf(const Item& item, const Vessel& vessel, double amount, double level) {
  if (amount >= vessel.hi) return item.ceiling < item.demand ? Binding::kCeiling : Binding::kDemand;
  const bool lifted = vessel.lo > 0 && vessel.weight * level <= vessel.lo;
  return lifted ? Binding::kGuarantee : Binding::kWaterLevel;
}

double SumLo(const Tier& tier) {
  return std::accumulate(tier.vessels.begin(), tier.vessels.end(), 0.0,
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
    case Binding::kCoupled:
      return "coupled";
  }
  return "unknown";
}

std::optional<std::string> GuaranteesExceed(double guaranteed, double capacity) {
  // 0.1 + 0.2 cores must fit into 0.3: sums may miss by rounding, never by more.
  constexpr double kRelativeSlack = 1e-12;
  if (guaranteed <= capacity * (1 + kRelativeSlack)) return std::nullopt;
  return fmt::format("guarantees of {} exceed the capacity of {} by {}", guaranteed, capacity,
                     guaranteed - capacity);
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

Allocation Allocate(const Problem& problem) {
  CheckProblem(problem);
  std::map<int, Tier, std::greater<>> tiers;
  for (std::size_t i = 0; i < problem.items.size(); ++i)
    tiers[problem.items[i].priority].Add(problem.items[i], i);
  double guaranteed = 0;
  for (const auto& [priority, tier] : tiers) guaranteed += SumLo(tier);

  Allocation result;
  if (auto exceeding = GuaranteesExceed(guaranteed, problem.capacity)) {
    result.status = Status::kInfeasible;
    result.explanation = *std::move(exceeding);
    return result;
  }
  result.amounts.resize(problem.items.size());
  result.bindings.resize(problem.items.size());
  double left = problem.capacity;
  for (const auto& [priority, tier] : tiers) {
    const double own_guarantees = SumLo(tier);
    // Lower tiers keep their guarantees, whatever this one wants.
    const double water = std::max(left - (guaranteed - own_guarantees), own_guarantees);
    double level = std::numeric_limits<double>::infinity();
    if (FilledAt(tier.vessels, level) > water) {
      level = FindWaterLevel(tier.vessels, water).level;
      result.water_level = std::min(result.water_level, level);
      result.shadow_price = 1;
    }
    for (std::size_t k = 0; k < tier.items.size(); ++k) {
      const std::size_t i = tier.items[k];
      const double amount = Fill(tier.vessels[k], level);
      result.amounts[i] = amount;
      result.bindings[i] = BindingOf(problem.items[i], tier.vessels[k], amount, level);
      result.objective += amount;
      left -= amount;
    }
    guaranteed -= own_guarantees;
  }
  return result;
}

}  // namespace ballast::allocate

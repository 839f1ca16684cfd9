#include "autoscaler/consolidate/bounds.h"

#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <CoinPackedVector.hpp>
#include <algorithm>
#include <cmath>

namespace ballast::consolidate {
namespace {

double ValueAtScale(const Instance& in, double scale, double total_value,
                    const std::vector<double>& most_value, const std::vector<int>& hosts_left) {
  double bound = scale * total_value;
  for (std::size_t t = 0; t < in.types.size(); ++t) {
    const double surplus = scale * most_value[t] - static_cast<double>(in.types[t].cost);
    if (surplus > 0) bound -= surplus * hosts_left[t];
  }
  return bound;
}

std::vector<double> TotalDemand(const Instance& in) {
  std::vector<double> total(static_cast<std::size_t>(in.resources));
  for (const Shape& shape : in.shapes)
    for (int k = 0; k < in.resources; ++k)
      total[k] += static_cast<double>(shape.demand[k]) * static_cast<double>(shape.vms.size());
  return total;
}

int FindScarceResource(const Instance& in) {
  for (int k = 0; k < in.resources; ++k) {
    Amount demand = 0, capacity = 0;
    for (const Shape& shape : in.shapes)
      demand += shape.demand[k] * static_cast<Amount>(shape.vms.size());
    for (const Type& type : in.types)
      capacity += type.capacity[k] * static_cast<Amount>(type.hosts.size());
    if (demand > capacity) return k;
  }
  return -1;
}

double BoundOfPrices(const Instance& in, const std::vector<double>& total,
                     const std::vector<double>& price) {
  double value = 0;
  for (int k = 0; k < in.resources; ++k) value += price[k] * total[k];
  std::vector<double> most(in.types.size(), 0.0);
  for (std::size_t t = 0; t < in.types.size(); ++t)
    for (int k = 0; k < in.resources; ++k)
      most[t] += price[k] * static_cast<double>(in.types[t].capacity[k]);
  return ScaledBound(in, value, most);
}

// Super-additive functions on [0, 1] with f(1) = 1 (Fekete & Schepers 2001).
struct DualFeasible {
  int steps = 0;         // > 0: u^(steps)
  double threshold = 0;  // otherwise: small sizes are 0, their complements 1

  // Of a demand: never above the exact value, whatever the rounding of x.
  double OfDemand(double x) const {
    if (steps > 0) {
      const double scaled = x * (steps + 1);
      // On a multiple of 1 / (steps + 1) the value is x; just below it, (i - 1) / steps < x.
      if (std::abs(scaled - std::round(scaled)) >= kEps * (steps + 1))
        return std::floor(scaled) / steps;
      return x < 1 ? std::min(x, std::floor(scaled - kEps * (steps + 1)) / steps) : x;
    }
    if (x > 1 - threshold + kEps) return 1;
    return x < threshold + kEps ? 0 : x;
  }
  // Of a capacity: never below it.
  double OfCapacity(double x) const {
    if (steps > 0) return std::max(x, std::floor(x * (steps + 1) + kEps * (steps + 1)) / steps);
    return x > 1 - threshold - kEps ? 1 : x;
  }

  static constexpr double kEps = 1e-12;
};

std::vector<DualFeasible> Family() {
  std::vector<DualFeasible> family;
  for (const int steps : {1, 2, 3, 4, 5, 6, 8, 10}) family.push_back({steps, 0});
  for (int i = 1; i <= 20; ++i) family.push_back({0, i * 0.025});
  return family;
}

// Values of one function in one resource: total over the VMs, most per type.
struct Evaluated {
  double total = 0;
  std::vector<double> most;
};

Evaluated Evaluate(const Instance& in, int k, double largest, const DualFeasible& f) {
  Evaluated result;
  for (const Shape& shape : in.shapes)
    result.total += f.OfDemand(static_cast<double>(shape.demand[k]) / largest) *
                    static_cast<double>(shape.vms.size());
  for (const Type& type : in.types)
    result.most.push_back(f.OfCapacity(static_cast<double>(type.capacity[k]) / largest));
  return result;
}

// Best bound of a convex combination of two functions, over a few weights.
double BestMix(const Instance& in, const Evaluated& a, const Evaluated& b) {
  double best = 0;
  std::vector<double> most(in.types.size());
  for (int i = 1; i < 8; ++i) {
    const double w = i / 8.0;
    for (std::size_t t = 0; t < most.size(); ++t) most[t] = w * a.most[t] + (1 - w) * b.most[t];
    best = std::max(best, ScaledBound(in, w * a.total + (1 - w) * b.total, most));
  }
  return best;
}

}  // namespace

std::optional<HostMix> FindHostMix(const Instance& in, const std::vector<double>& demand,
                                   const std::vector<int>& hosts_left) {
  const int types = static_cast<int>(in.types.size());
  CoinPackedMatrix matrix(true, 0, 0);
  matrix.setDimensions(in.resources, 0);
  std::vector<double> lower(types, 0.0), upper(types), cost(types);
  for (int t = 0; t < types; ++t) {
    CoinPackedVector column;
    // Rows are scaled to the demand: bytes and milli-cores differ by 10^9.
    for (int k = 0; k < in.resources; ++k)
      if (demand[k] > 0) column.insert(k, static_cast<double>(in.types[t].capacity[k]) / demand[k]);
    matrix.appendCol(column);
    upper[t] = hosts_left[t];
    cost[t] = static_cast<double>(in.types[t].cost) / static_cast<double>(kCostScale);
  }
  std::vector<double> row_lower(in.resources), row_upper(in.resources, COIN_DBL_MAX);
  for (int k = 0; k < in.resources; ++k) row_lower[k] = demand[k] > 0 ? 1.0 : 0.0;
  ClpSimplex lp;
  lp.setLogLevel(0);
  lp.loadProblem(matrix, lower.data(), upper.data(), cost.data(), row_lower.data(),
                 row_upper.data());
  lp.dual();
  if (!lp.isProvenOptimal()) return std::nullopt;
  HostMix mix;
  mix.hosts.assign(lp.getColSolution(), lp.getColSolution() + types);
  mix.price.assign(in.resources, 0.0);
  for (int k = 0; k < in.resources; ++k)
    if (demand[k] > 0) mix.price[k] = std::max(0.0, lp.getRowPrice()[k]) * kCostScale / demand[k];
  return mix;
}

double ScaledBound(const Instance& in, double total_value, const std::vector<double>& most_value) {
  std::vector<int> hosts;
  for (const Type& type : in.types) hosts.push_back(static_cast<int>(type.hosts.size()));
  return ScaledBound(in, total_value, most_value, hosts);
}

double ScaledBound(const Instance& in, double total_value, const std::vector<double>& most_value,
                   const std::vector<int>& hosts_left) {
  double best = 0;
  for (std::size_t t = 0; t < in.types.size(); ++t) {
    if (most_value[t] <= 0) continue;
    const double scale = static_cast<double>(in.types[t].cost) / most_value[t];
    best = std::max(best, ValueAtScale(in, scale, total_value, most_value, hosts_left));
  }
  return best;
}

Cost RoundUpToCost(const Instance& in, double bound) {
  const double steps = bound / static_cast<double>(in.cost_step);
  // The tolerance covers the doubles' error: relative for the sum, absolute for its last step.
  const double least = std::ceil(steps - 1e-6 - steps * 1e-11);
  return static_cast<Cost>(std::max(0.0, least)) * in.cost_step + in.fixed_cost;
}

VolumeBound ComputeVolumeBound(const Instance& in) {
  VolumeBound bound;
  bound.scarce_resource = FindScarceResource(in);
  bound.infeasible = bound.scarce_resource >= 0;
  bound.price.assign(static_cast<std::size_t>(in.resources), 0.0);
  if (bound.infeasible || in.types.empty()) return bound;
  const std::vector<double> total = TotalDemand(in);
  std::vector<int> hosts;
  for (const Type& type : in.types) hosts.push_back(static_cast<int>(type.hosts.size()));
  // The bound is computed from the prices by (B), not taken from the LP solver:
  // a wrong price can only make it weaker.
  if (const auto mix = FindHostMix(in, total, hosts)) bound.price = mix->price;
  bound.value = BoundOfPrices(in, total, bound.price);
  for (int k = 0; k < in.resources; ++k) {  // in case the LP failed
    std::vector<double> single(in.resources, 0.0);
    single[k] = 1;
    const double value = BoundOfPrices(in, total, single);
    if (value <= bound.value) continue;
    bound.value = value;
    bound.price = single;
  }
  return bound;
}

double ComputeDualFeasibleBound(const Instance& in, const VolumeBound& volume) {
  if (volume.infeasible) return 0;
  double best = 0;
  std::vector<Evaluated> best_of_resource;
  for (int k = 0; k < in.resources; ++k) {
    Amount largest = 0;
    for (const Type& type : in.types) largest = std::max(largest, type.capacity[k]);
    if (largest == 0) continue;
    double best_here = -1;
    Evaluated kept;
    for (const DualFeasible& f : Family()) {
      Evaluated evaluated = Evaluate(in, k, static_cast<double>(largest), f);
      const double value = ScaledBound(in, evaluated.total, evaluated.most);
      if (value <= best_here) continue;
      best_here = value;
      kept = std::move(evaluated);
    }
    best = std::max(best, best_here);
    if (best_here >= 0) best_of_resource.push_back(std::move(kept));
  }
  for (std::size_t a = 0; a < best_of_resource.size() && a < 8; ++a)
    for (std::size_t b = a + 1; b < best_of_resource.size() && b < 8; ++b)
      best = std::max(best, BestMix(in, best_of_resource[a], best_of_resource[b]));
  return best;
}

}  // namespace ballast::consolidate

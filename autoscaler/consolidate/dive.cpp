#include "autoscaler/consolidate/dive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ballast::consolidate {
namespace {

constexpr std::size_t kCandidates = 8;

class Diver {
 public:
  Diver(const Instance& in, ColumnGeneration& cg, const DiveOptions& options, Random& random,
        WorkMeter& work)
      : in_(in), cg_(cg), options_(options), random_(random), work_(work) {
    for (const Shape& shape : in.shapes) demand_.push_back(static_cast<int>(shape.vms.size()));
    for (const Type& type : in.types) hosts_.push_back(static_cast<int>(type.hosts.size()));
    for (const Column& column : options.kept) Fix(column, 1);
  }

  bool Run() {
    cg_.SetDemand(demand_);
    cg_.SetHosts(hosts_);
    while (std::any_of(demand_.begin(), demand_.end(), [](int left) { return left > 0; })) {
      if (work_.exhausted()) return false;
      ColumnGeneration::Limits limits;
      limits.iterations = options_.iterations;
      limits.nodes = options_.nodes;
      const auto outcome = cg_.Solve(limits, work_);
      if (!outcome.feasible) return false;
      if (RoundUpToCost(in_, static_cast<double>(cost_) + outcome.bound) >= options_.below)
        return false;
      if (!FixSome()) return false;
      cg_.SetDemand(demand_);
      cg_.SetHosts(hosts_);
      if (options_.drop_surplus) cg_.DropSurplus();
    }
    return cost_ + in_.fixed_cost < options_.below;
  }

  std::vector<ChosenColumn> TakeChosen() { return std::move(chosen_); }

 private:
  bool FixSome() {
    const std::vector<double> x = cg_.Values();
    const double hosts = std::accumulate(x.begin(), x.end(), 0.0);
    int fixed = 0;
    for (std::size_t j = 0; j < x.size(); ++j)
      if (x[j] >= 1 - 1e-6)
        fixed += Fix(cg_.columns()[j], static_cast<int>(std::floor(x[j] + 1e-6)));
    if (fixed > 0) return true;
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t j = 0; j < x.size(); ++j)
      if (x[j] > 1e-6) order.push_back({-x[j] - options_.jitter * random_.Unit(), j});
    std::sort(order.begin(), order.end());
    if (hosts <= options_.tail_hosts) return FixBest(order);
    const int at_once = std::max(1, static_cast<int>(hosts * options_.share_at_once));
    for (const auto& [score, j] : order) {
      if (fixed >= at_once || (fixed > 0 && x[j] < options_.sure)) break;
      fixed += Fix(cg_.columns()[j], 1);
    }
    return fixed > 0;
  }

  // Near the end a wrong column costs most: of the likeliest, the one after
  // which the LP over the known columns is cheapest.
  bool FixBest(const std::vector<std::pair<double, std::size_t>>& order) {
    const std::vector<int> demand = demand_, hosts = hosts_;
    const Cost cost = cost_;
    std::size_t best = 0;
    double least = std::numeric_limits<double>::max();
    const std::size_t candidates = std::min<std::size_t>(kCandidates, order.size());
    for (std::size_t c = 0; c < candidates && candidates > 1; ++c) {
      if (Fix(cg_.columns()[order[c].second], 1) == 0) continue;
      chosen_.pop_back();
      cg_.SetDemand(demand_);
      cg_.SetHosts(hosts_);
      const double total = static_cast<double>(cost_) + cg_.Reoptimize(work_);
      demand_ = demand;
      hosts_ = hosts;
      cost_ = cost;
      // Equal but for rounding: the LP's own favourite stays.
      if (total < least * (1 - 1e-9)) least = total, best = c;
    }
    return !order.empty() && Fix(cg_.columns()[order[best].second], 1) > 0;
  }

  // Fixes the column up to `times`, as often as it still covers something.
  int Fix(const Column& column, int times) {
    int useful = 0;
    for (; useful < times && hosts_[column.type] > 0; ++useful) {
      bool covers = false;
      for (const auto& [shape, count] : column.counts) covers |= demand_[shape] > 0;
      if (!covers) break;
      for (const auto& [shape, count] : column.counts)
        demand_[shape] = std::max(0, demand_[shape] - count);
      --hosts_[column.type];
      cost_ += in_.types[column.type].cost;
    }
    if (useful > 0) chosen_.push_back({column, useful});
    return useful;
  }

  const Instance& in_;
  ColumnGeneration& cg_;
  const DiveOptions& options_;
  Random& random_;
  WorkMeter& work_;
  std::vector<int> demand_, hosts_;
  std::vector<ChosenColumn> chosen_;
  Cost cost_ = 0;
};

}  // namespace

std::optional<std::vector<ChosenColumn>> Dive(const Instance& in, ColumnGeneration& cg,
                                              const DiveOptions& options, Random& random,
                                              WorkMeter& work) {
  Diver diver(in, cg, options, random, work);
  const std::vector<int> demand = cg.demand(), hosts = cg.hosts();
  const bool reached = diver.Run();
  cg.SetDemand(demand);
  cg.SetHosts(hosts);
  if (!reached) return std::nullopt;
  return diver.TakeChosen();
}

std::vector<Column> KeepBestHosts(const Packing& packing, const std::vector<double>& prices,
                                  double share, Random& random) {
  const Instance& in = packing.instance();
  const std::vector<Column> all = ColumnsOf(packing);
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t j = 0; j < all.size(); ++j) {
    double value = 0;
    for (const auto& [shape, count] : all[j].counts) value += prices[shape] * count;
    const double cost = static_cast<double>(in.types[all[j].type].cost) / kCostScale;
    // Noise, or the same hosts would be given up again and again.
    order.push_back({(cost > 0 ? value / cost : 2) + 0.05 * random.Unit(), j});
  }
  std::sort(order.begin(), order.end());
  const auto half =
      static_cast<std::size_t>(std::ceil(share / 2 * static_cast<double>(all.size())));
  std::vector<Column> kept;
  for (std::size_t rank = half; rank < order.size(); ++rank)
    if (random.Unit() >= share / 2) kept.push_back(all[order[rank].second]);
  return kept;
}

}  // namespace ballast::consolidate

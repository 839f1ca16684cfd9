#include "autoscaler/consolidate/dive.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ballast::consolidate {
namespace {

// Of the hosts still to be filled, the share fixed at once in large problems:
// one column a time would need as many LPs as there are hosts.
constexpr double kShareAtOnce = 0.04;

class Diver {
 public:
  Diver(const Instance& in, ColumnGeneration& cg, const DiveOptions& options, Random& random,
        WorkMeter& work)
      : in_(in), cg_(cg), options_(options), random_(random), work_(work) {
    for (const Shape& shape : in.shapes) demand_.push_back(static_cast<int>(shape.vms.size()));
    for (const Type& type : in.types) hosts_.push_back(static_cast<int>(type.hosts.size()));
  }

  bool Run() {
    while (std::any_of(demand_.begin(), demand_.end(), [](int left) { return left > 0; })) {
      if (work_.exhausted()) return false;
      ColumnGeneration::Limits limits;
      limits.iterations = 12;
      limits.nodes = options_.nodes;
      const auto outcome = cg_.Solve(limits, work_);
      if (!outcome.feasible) return false;
      if (RoundUpToCost(in_, static_cast<double>(cost_) + outcome.bound) >= options_.below)
        return false;
      if (!FixSome()) return false;
      cg_.SetDemand(demand_);
      cg_.SetHosts(hosts_);
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
      if (x[j] >= 1 - 1e-6) fixed += Fix(j, static_cast<int>(std::floor(x[j] + 1e-6)));
    if (fixed > 0) return true;
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t j = 0; j < x.size(); ++j)
      if (x[j] > 1e-6) order.push_back({-x[j] - options_.jitter * random_.Unit(), j});
    std::sort(order.begin(), order.end());
    const int at_once = std::max(1, static_cast<int>(hosts * kShareAtOnce));
    for (const auto& [score, j] : order) {
      if (fixed >= at_once || (fixed > 0 && x[j] < 0.5)) break;
      fixed += Fix(j, 1);
    }
    return fixed > 0;
  }

  // How many times the column could still be used without covering twice more
  // than it must; at least once if it covers anything.
  int Fix(std::size_t j, int times) {
    const Column& column = cg_.columns()[j];
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

}  // namespace ballast::consolidate

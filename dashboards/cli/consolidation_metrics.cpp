#include "dashboards/cli/consolidation_metrics.h"

#include <set>

#include "collector/metrics/registry.h"

namespace ballast::cli {

using consolidate::Problem;
using consolidate::Solution;
using consolidate::Status;
using metrics::Metric;

namespace {

double InUnits(consolidate::Cost cost) {
  return static_cast<double>(cost) / static_cast<double>(consolidate::kCostScale);
}

std::size_t HostsNow(const Problem& problem) {
  std::set<int> hosts;
  for (const auto& vm : problem.vms)
    if (vm.current != consolidate::kNoHost) hosts.insert(vm.current);
  return hosts.size();
}

}  // namespace

const char* StatusName(Status status) {
  switch (status) {
    case Status::kOptimal:
      return "optimal";
    case Status::kFeasible:
      return "feasible";
    case Status::kInfeasible:
      return "infeasible";
    case Status::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string ConsolidationMetrics(const Problem& problem, const Solution& solution, double seconds,
                                 double at_seconds) {
  metrics::Registry registry;
  const auto set = [&](Metric metric, double value) { registry.GetGauge(metric).Set(value); };
  registry.GetGauge(Metric::kConsolidationStatus, {StatusName(solution.status)}).Set(1);
  set(Metric::kConsolidationHostsNow, static_cast<double>(HostsNow(problem)));
  set(Metric::kConsolidationVms, static_cast<double>(problem.vms.size()));
  set(Metric::kConsolidationLowerBound, InUnits(solution.lower_bound));
  set(Metric::kConsolidationDuration, seconds);
  set(Metric::kConsolidationSolvedAt, at_seconds);
  if (solution.status != Status::kOptimal && solution.status != Status::kFeasible)
    return registry.Serialize();
  set(Metric::kConsolidationHostsPlanned, solution.hosts_used);
  set(Metric::kConsolidationCost, InUnits(solution.cost));
  set(Metric::kConsolidationGap, Gap(solution));
  set(Metric::kConsolidationMoves, static_cast<double>(solution.moves));
  set(Metric::kConsolidationMoveBytes, static_cast<double>(solution.migrated_bytes));
  return registry.Serialize();
}

}  // namespace ballast::cli

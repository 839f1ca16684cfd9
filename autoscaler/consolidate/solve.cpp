#include "autoscaler/consolidate/solve.h"

#include <fmt/format.h>

#include "autoscaler/consolidate/bounds.h"
#include "autoscaler/consolidate/checker.h"
#include "autoscaler/consolidate/construct.h"
#include "collector/base/check.h"

namespace ballast::consolidate {

double Gap(const Solution& solution) {
  if (solution.cost <= solution.lower_bound) return 0;
  if (solution.lower_bound == 0) return 1;
  return static_cast<double>(solution.cost) / static_cast<double>(solution.lower_bound) - 1;
}

Solution Solve(const Problem& problem, const SolveOptions& options) {
  const Instance in = MakeInstance(problem);
  WorkMeter work(options.work_limit, options.should_stop);
  Solution solution;
  const VolumeBound volume = ComputeVolumeBound(in);
  if (volume.infeasible) {
    solution.status = Status::kInfeasible;
    solution.reason = fmt::format("all hosts together have too little {}",
                                  problem.resources[volume.scarce_resource]);
    solution.stop_reason = "infeasible";
    return solution;
  }
  solution.lower_bound = RoundUpToCost(in, volume.value);
  solution.bound_method = "volume";
  const Packing packing = FirstFitDecreasing(in, ResourceWeights(in, volume), work);
  solution.work_units = work.used();
  if (auto audit = CheckPlacement(problem, packing.placement())) {
    solution.placement = packing.placement();
    solution.cost = audit->cost;
    solution.hosts_used = audit->hosts_used;
    solution.moves = audit->moves;
    solution.migrated_bytes = audit->migrated_bytes;
    solution.status = solution.cost == solution.lower_bound ? Status::kOptimal : Status::kFeasible;
  }
  solution.stop_reason = solution.status == Status::kOptimal ? "optimal" : "search ended";
  return solution;
}

}  // namespace ballast::consolidate

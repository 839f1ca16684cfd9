#include "autoscaler/consolidate/solve.h"

#include "autoscaler/consolidate/search.h"

namespace ballast::consolidate {

double Gap(const Solution& solution) {
  if (solution.cost <= solution.lower_bound) return 0;
  if (solution.lower_bound == 0) return 1;
  return static_cast<double>(solution.cost) / static_cast<double>(solution.lower_bound) - 1;
}

Solution Solve(const Problem& problem, const SolveOptions& options) {
  return Search(problem, options).Run();
}

}  // namespace ballast::consolidate

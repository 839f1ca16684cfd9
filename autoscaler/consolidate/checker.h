#pragma once

// The last word on every placement, before anybody sees it. Integer arithmetic
// on the problem as it was given; shares no code and no data with the search.

#include "autoscaler/consolidate/problem.h"

namespace ballast::consolidate {

// What a valid placement costs.
struct Audit {
  Cost cost = 0;
  int hosts_used = 0;  // with a VM on them, or that stay on
  std::int64_t moves = 0;
  Amount migrated_bytes = 0;
};

// The audit, or which constraint of problem.h is violated, by whom and by how
// much ("violates (2): host 'a' is 40 of memory over"). `problem` must have
// passed CheckProblem. O(VMs x resources).
Result<Audit> CheckPlacement(const Problem& problem, const Placement& placement);

}  // namespace ballast::consolidate

#pragma once

// Every placement of a tiny problem, with all constraints and budgets: depth
// first over VMs, hosts that cannot be told apart tried once. For problems of
// about twenty VMs, where it is a proof; larger ones run into the node limit.

#include <optional>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

struct ExhaustiveResult {
  bool complete = false;          // nothing was left out: `best` is optimal, none means infeasible
  std::optional<Placement> best;  // cheapest, then fewest migrated bytes
};

// `vms` alone are placed (the culprit search leaves some out); others stay
// unplaced. With `feasibility_only` the first placement found ends the search.
ExhaustiveResult SearchExhaustively(const Instance& in, const std::vector<int>& vms,
                                    bool feasibility_only, std::int64_t node_limit,
                                    WorkMeter& work);

}  // namespace ballast::consolidate

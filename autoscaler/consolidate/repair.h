#pragma once

// When the greedy starts leave VMs unplaced, because hosts are tight or
// constraints stand in the way: chains of ejections. A VM without a host takes
// the place where least must go for it; what had to go looks for a host next.
// Hosts are all open here: a valid placement comes first, its cost later.

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/random.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// True when everything is placed; up to `steps` ejections. `sizes` are weighted
// (construct.h).
bool PlaceByEjection(Packing& packing, const std::vector<double>& sizes, int steps, Random& random,
                     WorkMeter& work);

}  // namespace ballast::consolidate

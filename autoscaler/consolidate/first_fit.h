#pragma once

// First-fit in near-linear time: a tree over the hosts keeps the most free room
// per resource below each node, so that the first host with room is found
// without looking at the full ones. O(n log H) as a rule; a node may promise
// room that no single host of it has, then the search goes on beside it.

#include <vector>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// Places each VM of `order` on the first host of `hosts` that takes it; those
// that fit nowhere stay unplaced. Starts from what `packing` holds.
void FirstFit(Packing& packing, const std::vector<int>& order, const std::vector<int>& hosts,
              WorkMeter& work);

}  // namespace ballast::consolidate

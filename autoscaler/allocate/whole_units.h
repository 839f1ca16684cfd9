#pragma once

// Real amounts to whole units (millicores, bytes) that never add up to more
// than the capacity: everybody gets the whole part, and the units that are left
// go to the largest remainders. Ties go to the earlier item, so a caller that
// keeps its order gets the same answer again.

#include <cstdint>
#include <vector>

#include "autoscaler/allocate/allocate.h"

namespace ballast::allocate {

// One number per item of `problem`. Where guarantees, demands and ceilings are
// whole, the result keeps them.
// Requires: allocation.status == kOptimal, and every amount is below 2^53.
std::vector<std::int64_t> WholeUnits(const Problem& problem, const Allocation& allocation);

}  // namespace ballast::allocate

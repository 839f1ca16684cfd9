#pragma once

// Real amounts to whole units (millicores, bytes) that never add up to more
// than the capacity: everybody gets the whole part, and the units that are left
// go to the largest remainders. Equal remainders, as of equals that share what is scarce, are
// where the optimum is not unique: of those splits the one nearest to what is applied is taken,
// then the one that gives to earlier items. O(n).

#include <cstdint>
#include <span>
#include <vector>

#include "autoscaler/allocate/allocate.h"

namespace ballast::allocate {

// One number per item of `problem`. Where guarantees, demands and ceilings are
// whole, the result keeps them. `applied`: what each item has now; empty: not known.
// Requires: allocation.status == kOptimal, and every amount is below 2^53.
std::vector<std::int64_t> WholeUnits(const Problem& problem, const Allocation& allocation,
                                     std::span<const std::int64_t> applied = {});

}  // namespace ballast::allocate

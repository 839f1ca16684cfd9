#pragma once

// Consolidation when migration is rationed: start from where everything runs,
// repair what is overloaded with the least migration, place what is new, then
// empty hosts one after the other, best saving per migrated byte first, as long
// as the budget lasts.

#include <functional>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// Calls `offer` with every complete packing on the way: together they are the
// curve of cost against migration.
void EmptyHostsWithinBudget(const Instance& in, const std::vector<double>& weights, WorkMeter& work,
                            const std::function<void(const Packing&)>& offer);

}  // namespace ballast::consolidate

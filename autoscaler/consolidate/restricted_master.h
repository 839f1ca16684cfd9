#pragma once

// The best choice among the columns known so far, as an integer program for Cbc.
// Cbc has returned wrong answers (coin-or/Cbc #615, #723): what comes back is a
// proposal that the checker must pass, never a proof.

#include <optional>
#include <vector>

#include "autoscaler/consolidate/column.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// nullopt when nothing cheaper than `below` was found within `nodes`.
std::optional<std::vector<ChosenColumn>> SolveRestrictedMaster(const Instance& in,
                                                               const std::vector<Column>& columns,
                                                               Cost below, int nodes,
                                                               WorkMeter& work);

}  // namespace ballast::consolidate

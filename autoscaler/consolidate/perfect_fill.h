#pragma once

// All ways to fill a host without any waste, by meeting in the middle: sums of
// up to four VMs on one side, their complement among sums on the other. Where
// the lower bound leaves no slack at all, an optimal solution consists of these
// alone, and with unique sizes there are few: the hard planted instances (three
// to eight VMs a host, cut exactly) become easy for the LP.

#include <vector>

#include "autoscaler/consolidate/column.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// Columns that fill a host exactly in every resource k with exact[k]; of at most
// 2 x 4 VMs; at most `limit` of them. Problems with too many shapes for that
// many sums get shorter columns only.
std::vector<Column> FindPerfectFills(const Instance& in, const std::vector<char>& exact,
                                     std::size_t limit, WorkMeter& work);

}  // namespace ballast::consolidate

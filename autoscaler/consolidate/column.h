#pragma once

// A column: one way to fill one host of a type. Columns of LP, dive and
// restricted master live in one pool and become hosts and VMs at the end.

#include <utility>
#include <vector>

#include "autoscaler/consolidate/packing.h"

namespace ballast::consolidate {

struct Column {
  int type = 0;
  std::vector<std::pair<int, int>> counts;  // shape, how many of it; ascending by shape

  friend bool operator==(const Column&, const Column&) = default;
};

// A column and how many hosts are filled that way.
struct ChosenColumn {
  Column column;
  int times = 0;
};

// The columns that `packing` consists of, one per used host.
std::vector<Column> ColumnsOf(const Packing& packing);

// Single VMs on single hosts. VMs that the columns cover twice are placed once;
// VMs that they do not cover, or hosts that run out, stay unplaced.
Packing PackColumns(const Instance& in, const std::vector<ChosenColumn>& chosen);

}  // namespace ballast::consolidate

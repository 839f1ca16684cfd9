#pragma once

// Everything the kernel side could not record, by program and reason.

#include <cstdint>
#include <string_view>
#include <vector>

#include "collector/source/bpf/kernel_side.h"

namespace ballast::source {

struct DropCount {
  std::string_view program;  // static text: "slots", "run_queue", ...
  std::string_view reason;   // label value, stable: "slot_table_full"
  std::uint64_t count = 0;   // since Start; only rises
};

// Every reason, also those at zero, always in the same order.
std::vector<DropCount> ReadDrops(const KernelSide& kernel);

}  // namespace ballast::source

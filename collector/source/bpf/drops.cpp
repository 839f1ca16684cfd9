#include "collector/source/bpf/drops.h"

#include <array>
#include <atomic>

#include "bpf/abi/drop_abi.h"
#include "bpf/ballast.skel.h"

namespace ballast::source {
namespace {

struct Name {
  std::string_view program;
  std::string_view reason;
};

// By enum drp_reason; exported as labels, so never renamed.
constexpr std::array<Name, DRP_NUM> kNames = {{
    {"slots", "slot_table_full"},
    {"slots", "ring_full"},
    {"run_queue", "ring_full"},
    {"memory", "ring_full"},
    {"oom", "ring_full"},
    {"run_queue", "no_task_storage"},
    {"run_queue", "clock_backward"},
    {"run_queue", "slot_out_of_range"},
    {"slots", "path_cut"},
    {"block", "rows_full"},
    {"tools", "ring_full"},
    {"tools", "no_task_storage"},
    {"memory", "no_task_storage"},
    {"kvm", "rows_full"},
    {"tools", "begin_ring_full"},
    {"tools", "begin_rate"},
    {"run_queue", "blame_pairs_full"},
    {"walk", "steps"},
}};

}  // namespace

std::vector<DropCount> ReadDrops(const KernelSide& kernel) {
  auto& counts = kernel.skeleton().bss->drp_counts;
  std::vector<DropCount> drops;
  drops.reserve(DRP_NUM);
  for (std::size_t i = 0; i < kNames.size(); ++i)
    drops.push_back({kNames[i].program, kNames[i].reason,
                     std::atomic_ref(counts[i]).load(std::memory_order_relaxed)});
  return drops;
}

}  // namespace ballast::source

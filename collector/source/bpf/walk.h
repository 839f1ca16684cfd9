#pragma once

// One pass over every tracked cgroup of every hierarchy: CPU, bandwidth, memory
// and pressure, as the kernel accounts them, without opening a file.
//
//   BALLAST_TRY(auto walk, CgroupWalk::Open(kernel, hierarchies), "walk");
//   BALLAST_TRY(auto cost, walk.Run(), "walk");          // each tick
//   if (auto totals = walk.Find(slot)) ...
//
// Values are cumulative and raw; nullopt means that this kernel or this cgroup
// does not have it. Bytes are converted here (the kernel counts pages).
//
// Not thread-safe; owned by the tick strand. KernelSide outlives it.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/abi/walk_abi.h"
#include "collector/base/fd.h"
#include "collector/base/result.h"
#include "collector/model/cgroup_layout.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/source.h"

struct bpf_link;

namespace ballast::source {

// What one workload's directories hold, merged over the hierarchies.
struct WalkTotals {
  // CPU, the subtree's. cgroup2 only; v1's is cpuacct_ns (files) or the
  // scheduler hook's ran_ns. user and system are tick samples: scale them to usage.
  std::optional<std::uint64_t> usage_ns;
  std::optional<std::uint64_t> user_ns;
  std::optional<std::uint64_t> system_ns;

  // The workload's own bandwidth control and share. Limits here and below:
  // model::kUnlimited where there is none; absent: the controller is not there.
  std::optional<std::uint64_t> nr_periods;
  std::optional<std::uint64_t> nr_throttled;
  std::optional<std::uint64_t> throttled_ns;
  std::optional<std::uint64_t> quota_ns;
  std::optional<std::uint64_t> period_ns;
  std::optional<std::uint64_t> burst_ns;
  std::optional<std::uint64_t> nr_bursts;
  std::optional<std::uint64_t> burst_used_ns;
  std::optional<std::uint64_t> cpu_weight;  // 1..10000; v1 shares by runc's formula

  // Memory, the subtree's.
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> memory_max_bytes;
  std::optional<std::uint64_t> memory_high_bytes;
  std::optional<std::uint64_t> memory_low_bytes;
  std::optional<std::uint64_t> memory_min_bytes;
  std::optional<std::uint64_t> memory_peak_bytes;  // lifetime
  std::optional<std::uint64_t> swap_bytes;
  std::optional<std::uint64_t> swap_max_bytes;
  std::optional<std::uint64_t> limit_failures;  // v1 failcnt, own group
  std::optional<std::uint64_t> low_events;
  std::optional<std::uint64_t> high_events;
  std::optional<std::uint64_t> max_events;
  std::optional<std::uint64_t> oom_events;
  std::optional<std::uint64_t> oom_kills;
  std::optional<bool> under_oom;  // v1: waits at its limit

  std::optional<std::uint64_t> inactive_anon_bytes;
  std::optional<std::uint64_t> active_anon_bytes;
  std::optional<std::uint64_t> inactive_file_bytes;
  std::optional<std::uint64_t> active_file_bytes;
  std::optional<std::uint64_t> unevictable_bytes;

  // Up to 2 s old.
  std::optional<std::uint64_t> cpu_some_ns;
  std::optional<std::uint64_t> cpu_full_ns;
  std::optional<std::uint64_t> memory_some_ns;
  std::optional<std::uint64_t> memory_full_ns;
  std::optional<std::uint64_t> io_some_ns;
  std::optional<std::uint64_t> io_full_ns;

  std::uint32_t cgroups = 0;  // directories walked for it, of the hierarchy that has most
};

struct WalkCost {
  std::uint64_t cgroups = 0;       // visited, over all hierarchies
  std::uint64_t tracked = 0;       // of those, in a slot
  std::uint64_t out_of_range = 0;  // slot beyond the configured number: not read
  std::chrono::nanoseconds spent{};
};

// The hierarchies worth a walk: cgroup2 first, then v1's cpu, cpuacct and memory.
std::vector<model::Hierarchy> MeasuredHierarchies(const model::CgroupLayout& layout);

class CgroupWalk {
 public:
  // Walks at most WLK_HIERARCHIES of them; they keep their order.
  static Result<CgroupWalk> Open(const KernelSide& kernel,
                                 const std::vector<model::Hierarchy>& hierarchies);
  ~CgroupWalk();
  CgroupWalk(CgroupWalk&&) noexcept;
  CgroupWalk& operator=(CgroupWalk&&) = delete;

  // Reads everything once. On an error the rows of the failed hierarchy are stale
  // and Find leaves them out.
  Result<WalkCost> Run();
  // Reads these slots only; the others count as not met. A visit that reads
  // nothing costs about a third.
  Result<WalkCost> RunOnly(const std::vector<Slot>& wanted);

  // Of the last Run; nullopt: no directory of the slot was met.
  std::optional<WalkTotals> Find(Slot slot) const;
  // How many are walked.
  std::size_t hierarchies() const { return places_.size(); }
  // The row itself, for tests and doctor; nullptr: stale. Requires: slot in range.
  const wlk_row* FindRow(std::size_t hierarchy, Slot slot) const;

 private:
  struct Place {
    model::Hierarchy hierarchy;
    Fd directory;
    bpf_link* link;
  };
  CgroupWalk(const KernelSide& kernel, MappedArray<const wlk_row> rows,
             MappedArray<std::uint64_t> wanted);
  Result<> Attach(const model::Hierarchy& hierarchy);
  Result<WalkCost> RunAll();
  Result<> RunOne(std::uint32_t place);

  const KernelSide* kernel_;
  MappedArray<const wlk_row> rows_;
  MappedArray<std::uint64_t> wanted_;  // by slot: the generation that wants it
  std::vector<Place> places_;
  std::uint64_t generation_ = 0;
};

}  // namespace ballast::source

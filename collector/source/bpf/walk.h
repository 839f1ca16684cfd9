#pragma once

// CPU, bandwidth, memory and pressure of tracked cgroups in every hierarchy, as the
// kernel accounts them, without opening a file.
//
//   BALLAST_TRY(auto walk, CgroupWalk::Open(kernel, hierarchies), "walk");
//   walk.Track(slot, directories);                       // after the slot table has it
//   BALLAST_TRY(auto cost, walk.RunOnly(slots), "walk"); // each tick
//   if (auto totals = walk.Find(slot)) ...
//
// Values are cumulative and raw; nullopt means that this kernel or this cgroup
// does not have it. Bytes are converted here (the kernel counts pages).
//
// Not thread-safe; owned by the tick strand. KernelSide outlives it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/walk_abi.h"
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
  std::optional<std::uint64_t> kernel_bytes;  // v1
  std::optional<bool> under_oom;              // v1: waits at its limit

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
  std::uint64_t cgroups = 0;       // looked at, over all hierarchies
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

  // Where a workload lies, for RunOnly(); again when its directories changed.
  void Track(Slot slot, const std::vector<model::CgroupDirectory>& directories);
  void Untrack(Slot slot);

  // Goes through every cgroup there is and reads all that are in a slot. On an
  // error the rows of the failed hierarchy are stale and Find leaves them out.
  Result<WalkCost> Run();
  // Reads these slots only; the others count as not met. Goes straight to where
  // they lie, but for now and then, in case a group was not met when it was tracked.
  // Of those that doze page lists are read only if they have another number of pages.
  Result<WalkCost> RunOnly(const std::vector<Slot>& wanted, const std::vector<Slot>& dozing = {});

  // A number that differs, all but surely, where anything that the last Run read of
  // the slot does; 0: no directory of it was met.
  std::uint64_t Fingerprint(Slot slot) const;
  // Of the last Run; nullopt: no directory of the slot was met.
  std::optional<WalkTotals> Find(Slot slot) const;
  // How many are walked.
  std::size_t hierarchies() const { return places_.size(); }
  // The row itself, for tests and doctor; nullptr: stale. Requires: slot in range.
  const wlk_row* FindRow(std::size_t hierarchy, Slot slot) const;

 private:
  using LinkPtr = std::unique_ptr<bpf_link, void (*)(bpf_link*)>;
  struct Place {
    model::Hierarchy hierarchy;
    LinkPtr iterator;
  };
  // The maps, as memory.
  struct Maps {
    MappedArray<const wlk_row> rows;
    MappedArray<wlk_root> roots;
    MappedArray<std::uint64_t> wanted;  // by slot: the generation that wants it
    MappedArray<std::uint64_t> visits;  // slots
  };
  // A directory whose group no iterator has met yet.
  struct Unmet {
    Slot slot;
    std::uint32_t place;
    std::string directory;
  };

  CgroupWalk(const KernelSide& kernel, Maps maps);
  Result<> Attach(const model::Hierarchy& hierarchy);
  Result<LinkPtr> Iterator(int directory_fd, bool is_whole_tree) const;
  void Begin();
  WalkCost Cost(std::chrono::steady_clock::time_point begin) const;
  Result<WalkCost> RunAll();
  Result<> RunOne(std::uint32_t place);
  Result<> Read(const bpf_link* iterator) const;
  void Meet(const Unmet& unmet) const;
  Result<WalkCost> Visit(const std::vector<Slot>& wanted, const std::vector<Slot>& dozing);
  wlk_root& RootOf(std::uint32_t place, Slot slot) const;

  const KernelSide* kernel_;
  Maps maps_;
  std::vector<Place> places_;
  LinkPtr flush_;  // of cgroup2's root alone; null: nothing to flush
  std::vector<Unmet> unmet_;
  std::uint64_t generation_ = 0;
  std::uint32_t visits_ = 0;  // runs since all were gone through
};

}  // namespace ballast::source

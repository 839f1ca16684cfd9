#pragma once

// Gives workloads their slots and tells the kernel which cgroups count for them.
//
//   const auto slot = table.Acquire(now);              // nullopt: all in use
//   BALLAST_TRY(auto id, table.Track(*slot, v2, "/docker/ab12"), "track");
//   ... groups made below it inherit the slot in the kernel, at mkdir ...
//   table.Release(*slot, now);                         // after its tombstone
//
// On hybrid hosts Track is called with the same slot for the same path of every
// hierarchy that has it. A tracked group inside another keeps its own slot.
// A released slot rests before it is given out again, because a dying task's
// last switch may still be booked to it.
//
// Not thread-safe; owned by the tick strand. KernelSide outlives it.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/base/clock.h"
#include "collector/base/result.h"
#include "collector/source/bpf/hierarchies.h"
#include "collector/source/bpf/kernel_side.h"

namespace ballast {

using Slot = std::uint32_t;  // dense; 0 is everything that is not tracked
inline constexpr Slot kOtherSlot = 0;
// Far longer than a task needs to leave the CPU after its group's rmdir.
inline constexpr std::chrono::seconds kSlotRest{1};

class SlotTable {
 public:
  static SlotTable Open(const KernelSide& kernel);

  // The free slot that has rested longest; nullopt: none. `other` is never given out.
  std::optional<Slot> Acquire(BootTime now);
  // Deletes what is still registered for it. Requires: from Acquire.
  void Release(Slot slot, BootTime now);

  // Registers the directory and everything that is below it already. `path`
  // begins with '/' at the hierarchy's root. Returns the cgroup id. ENOENT: gone
  // meanwhile; E2BIG: max_cgroups reached (what was entered stays entered).
  Result<std::uint64_t> Track(Slot slot, const Hierarchy& hierarchy, std::string_view path);
  // Forgets one directory of the slot and what is below it, where it still exists.
  Result<> Untrack(Slot slot, const Hierarchy& hierarchy, std::string_view path);

  // What the kernel would book this group to; nullopt: `other`.
  std::optional<Slot> Find(std::uint64_t cgroup_id, std::uint64_t hierarchy_id) const;
  std::size_t free_slots() const { return resting_.size(); }

 private:
  struct Resting {
    Slot slot;
    BootTime since;
  };
  SlotTable(const KernelSide& kernel, std::uint32_t slots);
  void ForgetCachedSlots();

  const KernelSide* kernel_;
  std::deque<Resting> resting_;  // oldest first
};

}  // namespace ballast

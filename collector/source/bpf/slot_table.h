#pragma once

// Tells the kernel which cgroups count for which slot. Who gets which slot is
// the pipeline's business.
//
//   BALLAST_TRY_DO(table.Track(slot, directory), "track");   // each directory of the workload
//   ... groups made below it inherit the slot in the kernel, at mkdir ...
//   table.Forget(slot);                                      // it is dead
//
// On hybrid hosts a workload has a directory in several hierarchies; all get its
// slot. A tracked group inside another keeps its own slot. Removed groups delete
// themselves. Before a slot gets its next owner, RunQueue::Restart takes the
// sums of the last one as the new zero.
//
// Not thread-safe; owned by the tick thread. KernelSide outlives it.

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "collector/base/result.h"
#include "collector/model/cgroup_layout.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/source.h"

namespace ballast::source {

class SlotTable {
 public:
  explicit SlotTable(const KernelSide& kernel) : kernel_(&kernel) {}

  // Registers the directory and everything that is below it already. ENOENT: gone
  // meanwhile; ESTALE: another group has its path now; E2BIG: max_cgroups reached
  // (what was entered stays entered). Requires: 0 < slot < options().slots.
  Result<> Track(Slot slot, const model::CgroupDirectory& directory);
  // Deletes whatever is still registered for the slot.
  void Forget(Slot slot);

  // What the kernel books this group to; nullopt: to no workload.
  std::optional<Slot> Find(std::uint64_t cgroup_id, std::uint32_t hierarchy_id) const;

 private:
  int map_fd() const;
  bool IsRegistered(Slot slot, const model::CgroupDirectory& root) const;
  void DeleteAll(Slot slot);
  void ForgetCachedSlots();

  const KernelSide* kernel_;
  // Directories that Track entered, by slot. Once they are gone from the map,
  // so is all below them: rmdir wants an empty directory.
  std::unordered_map<Slot, std::vector<model::CgroupDirectory>> roots_;
};

}  // namespace ballast::source

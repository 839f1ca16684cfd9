#include "collector/source/bpf/slot_table.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "bpf/abi/slot_abi.h"
#include "bpf/ballast.skel.h"
#include "collector/base/check.h"
#include "collector/base/fd.h"

namespace ballast {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// A cgroup's id is its directory's inode number (64-bit kernels).
Result<std::uint64_t> CgroupIdOf(int dir_fd) {
  struct stat status {};
  if (::fstat(dir_fd, &status) != 0) return Error::FromErrno(errno, "stat");
  return static_cast<std::uint64_t>(status.st_ino);
}

// Calls `visit` with the id of `dir` and then of every directory below it.
// Parents first: a group made meanwhile is either listed or has inherited.
// `visit` returns false to leave a subtree out.
using Visit = std::function<Result<bool>(std::uint64_t cgroup_id)>;

Result<> VisitTree(Fd dir_fd, const Visit& visit) {
  BALLAST_TRY(const std::uint64_t id, CgroupIdOf(dir_fd.get()), "cgroup");
  BALLAST_TRY(const bool descend, visit(id), "cgroup");
  if (!descend) return Ok();
  const std::unique_ptr<DIR, DirCloser> dir(::fdopendir(dir_fd.get()));
  if (!dir) return Error::FromErrno(errno, "list");
  const int parent = dir_fd.Release();  // closedir closes it
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    Fd child(::openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!child.is_open()) continue;  // removed meanwhile; its rmdir cleans up
    BALLAST_TRY_DO(VisitTree(std::move(child), visit), "");
  }
  return Ok();
}

Result<Fd> OpenGroup(const Hierarchy& hierarchy, std::string_view path) {
  const std::string full = hierarchy.mount + std::string(path);
  Fd dir(::open(full.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.is_open()) return Error::FromErrno(errno, full);
  return dir;
}

}  // namespace

SlotTable SlotTable::Open(const KernelSide& kernel) { return SlotTable(kernel, kernel.options().slots); }

SlotTable::SlotTable(const KernelSide& kernel, std::uint32_t slots) : kernel_(&kernel) {
  for (Slot slot = kOtherSlot + 1; slot < slots; ++slot) resting_.push_back({slot, -kSlotRest});
}

std::optional<Slot> SlotTable::Acquire(BootTime now) {
  if (resting_.empty() || now - resting_.front().since < kSlotRest) return std::nullopt;
  const Slot slot = resting_.front().slot;
  resting_.pop_front();
  return slot;
}

void SlotTable::Release(Slot slot, BootTime now) {
  BALLAST_CHECK(slot != kOtherSlot && slot < kernel_->options().slots, "a slot from Acquire");
  const int map = bpf_map__fd(kernel_->skeleton().maps.slt_slots);
  slt_key key{}, next{};
  // Groups that rmdir removed have deleted themselves; usually nothing is left.
  for (int end = bpf_map_get_next_key(map, nullptr, &next); end == 0;) {
    key = next;
    end = bpf_map_get_next_key(map, &key, &next);
    slt_value value{};
    if (bpf_map_lookup_elem(map, &key, &value) == 0 && value.slot == slot) bpf_map_delete_elem(map, &key);
  }
  ForgetCachedSlots();
  resting_.push_back({slot, now});
}

Result<std::uint64_t> SlotTable::Track(Slot slot, const Hierarchy& hierarchy, std::string_view path) {
  BALLAST_CHECK(slot != kOtherSlot && slot < kernel_->options().slots, "a slot from Acquire");
  const int map = bpf_map__fd(kernel_->skeleton().maps.slt_slots);
  BALLAST_TRY(Fd dir, OpenGroup(hierarchy, path), "track");
  BALLAST_TRY(const std::uint64_t root, CgroupIdOf(dir.get()), "track");
  const auto enter = [&](std::uint64_t id) -> Result<bool> {
    const slt_key key{.cgroup_id = id, .hierarchy_id = hierarchy.id};
    slt_value there{};
    if (id != root && bpf_map_lookup_elem(map, &key, &there) == 0 && there.is_root && there.slot != slot)
      return false;  // a workload inside this one
    const slt_value value{.slot = slot, .is_root = id == root};
    if (const int err = bpf_map_update_elem(map, &key, &value, BPF_ANY); err != 0)
      return Error::FromErrno(-err, "slot table");
    return true;
  };
  auto entered = VisitTree(std::move(dir), enter);
  ForgetCachedSlots();
  if (!entered) return std::move(entered).error().Context("track " + std::string(path));
  return root;
}

Result<> SlotTable::Untrack(Slot slot, const Hierarchy& hierarchy, std::string_view path) {
  const int map = bpf_map__fd(kernel_->skeleton().maps.slt_slots);
  BALLAST_TRY(Fd dir, OpenGroup(hierarchy, path), "untrack");
  const auto leave = [&](std::uint64_t id) -> Result<bool> {
    const slt_key key{.cgroup_id = id, .hierarchy_id = hierarchy.id};
    slt_value there{};
    if (bpf_map_lookup_elem(map, &key, &there) != 0) return true;
    if (there.slot != slot) return false;
    bpf_map_delete_elem(map, &key);
    return true;
  };
  auto left = VisitTree(std::move(dir), leave);
  ForgetCachedSlots();
  return left;
}

std::optional<Slot> SlotTable::Find(std::uint64_t cgroup_id, std::uint64_t hierarchy_id) const {
  const slt_key key{.cgroup_id = cgroup_id, .hierarchy_id = hierarchy_id};
  slt_value value{};
  if (bpf_map_lookup_elem(bpf_map__fd(kernel_->skeleton().maps.slt_slots), &key, &value) != 0)
    return std::nullopt;
  return value.slot;
}

// Every task looks its slot up again at its next switch. After the table's
// change, never before: a task must not cache the old answer under the new number.
void SlotTable::ForgetCachedSlots() {
  auto& generation = const_cast<__u64&>(kernel_->skeleton().bss->slt_generation);
  std::atomic_ref(generation).fetch_add(1, std::memory_order_release);
}

}  // namespace ballast

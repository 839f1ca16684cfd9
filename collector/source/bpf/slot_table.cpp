#include "collector/source/bpf/slot_table.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "bpf/abi/slot_abi.h"
#include "bpf/ballast.skel.h"
#include "collector/base/check.h"
#include "collector/base/fd.h"

namespace ballast::source {
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
  BALLAST_TRY(const bool descend, visit(id), "enter");
  if (!descend) return Ok();
  const std::unique_ptr<DIR, DirCloser> dir(::fdopendir(dir_fd.get()));
  if (!dir) return Error::FromErrno(errno, "list");
  const int parent = dir_fd.Release();  // closedir closes it
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    Fd child(::openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!child.is_open()) continue;  // removed meanwhile; its rmdir cleans up
    if (auto below = VisitTree(std::move(child), visit); !below) return below;
  }
  return Ok();
}

}  // namespace

int SlotTable::map_fd() const {
  return bpf_map__fd(kernel_->skeleton().maps.slt_slots);
}

Result<> SlotTable::Track(Slot slot, const model::CgroupDirectory& directory) {
  BALLAST_CHECK(slot != kHostSlot && slot < kernel_->options().slots, "a workload's slot");
  Fd dir(::open(directory.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.is_open()) return Error::FromErrno(errno, "track " + directory.directory);
  const auto enter = [&](std::uint64_t id) -> Result<bool> {
    const bool is_root = id == directory.id;
    const slt_key key{.cgroup_id = id, .hierarchy_id = directory.hierarchy_id};
    slt_value there{};
    if (!is_root && bpf_map_lookup_elem(map_fd(), &key, &there) == 0 && there.is_root &&
        there.slot != slot)
      return false;  // a workload inside this one
    const slt_value value{.slot = slot, .is_root = is_root};
    if (const int err = bpf_map_update_elem(map_fd(), &key, &value, BPF_ANY); err != 0)
      return Error::FromErrno(-err, "slot table");
    return true;
  };
  BALLAST_TRY(const std::uint64_t id, CgroupIdOf(dir.get()), "track " + directory.directory);
  if (id != directory.id) return Error::FromErrno(ESTALE, "track " + directory.directory);
  auto& roots = roots_[slot];
  if (std::ranges::find(roots, directory) == roots.end()) roots.push_back(directory);
  auto entered = VisitTree(std::move(dir), enter);
  ForgetCachedSlots();
  if (!entered) return std::move(entered).error().Context("track " + directory.directory);
  return Ok();
}

void SlotTable::Forget(Slot slot) {
  const auto roots = roots_.extract(slot);
  if (roots.empty()) return;
  if (std::ranges::any_of(roots.mapped(),
                          [&](const auto& root) { return IsRegistered(slot, root); }))
    DeleteAll(slot);
  ForgetCachedSlots();
}

bool SlotTable::IsRegistered(Slot slot, const model::CgroupDirectory& root) const {
  return Find(root.id, root.hierarchy_id) == slot;
}

// Of a workload that still lives (its tracking was switched off): the whole map.
void SlotTable::DeleteAll(Slot slot) {
  slt_key key{}, next{};
  int end = bpf_map_get_next_key(map_fd(), nullptr, &next);
  while (end == 0) {
    key = next;
    end = bpf_map_get_next_key(map_fd(), &key, &next);
    slt_value value{};
    if (bpf_map_lookup_elem(map_fd(), &key, &value) == 0 && value.slot == slot)
      bpf_map_delete_elem(map_fd(), &key);
  }
}

std::optional<Slot> SlotTable::Find(std::uint64_t cgroup_id, std::uint32_t hierarchy_id) const {
  const slt_key key{.cgroup_id = cgroup_id, .hierarchy_id = hierarchy_id};
  slt_value value{};
  if (bpf_map_lookup_elem(map_fd(), &key, &value) != 0) return std::nullopt;
  return value.slot;
}

// Every task looks its slot up again at its next switch. After the table's
// change, never before: a task must not cache the old answer under the new number.
void SlotTable::ForgetCachedSlots() {
  auto& generation = const_cast<__u64&>(kernel_->skeleton().bss->slt_generation);
  std::atomic_ref(generation).fetch_add(1, std::memory_order_release);
  auto& changes = const_cast<__u32&>(kernel_->skeleton().bss->slt_changes);
  std::atomic_ref(changes).fetch_add(1, std::memory_order_release);
}

}  // namespace ballast::source

#pragma once

// The workloads of this host that are tracked: found in the cgroup trees, given
// a dense slot, followed through their lives.
//
//   Registry registry(layout, options);
//   Changes changes = registry.Scan(now);           // at start and every few seconds
//   changes = registry.OnCgroup(hint, now);         // one directory was made or removed
//   changes = registry.Settle(now);                 // each tick: half-made ones that waited long
//   enough
//   ... changes.died first, then born, then changed; registry.Get(slot) ...
//   registry.Release(slot);                         // when the tombstone of a dead one is done
//   with
//
// Identity is the kernfs id: a directory made again under the same path is
// another workload. Not thread-safe; owned by the tick thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "collector/base/clock.h"
#include "collector/discover/classify.h"
#include "collector/discover/walk.h"
#include "collector/model/cgroup_layout.h"
#include "collector/model/entity.h"
#include "collector/model/field_set.h"

namespace ballast::discover {

// 1 to RegistryOptions::max_workloads; 0 is the host, which also stands for all that has no slot.
using Slot = std::uint32_t;

struct RegistryOptions {
  // Affects what is tracked.
  ClassifyOptions classify;
  std::size_t max_workloads =
      1024;  // slots; raise it when `overflowing` is not 0. Sizes BPF maps too.
  // Affects cost. v1 controllers whose trees are looked through beside cgroup2's.
  std::vector<std::string> v1_controllers = {"cpu", "cpuacct", "memory", "pids", "blkio"};
  // How long a group that has only v1 directories waits for its cgroup2 one. runc makes them all
  // within a few milliseconds; raise it on hosts where workloads are born with a v1 key although
  // they have a cgroup2 group.
  std::chrono::milliseconds settle{50};
  WalkBounds walk;
  // Least time between two scans that wants_scan() asks for: a scan of 10,000 groups takes some 40
  // ms.
  std::chrono::milliseconds scan_gap{1000};
};

// One incarnation. Fixed from birth to Release(), but for `directories` and what is named later.
struct Workload {
  Slot slot = 0;
  model::EntityRef ref{};
  model::EntityKind kind{};
  model::WorkloadKey key;  // the cgroup2 group, else the first v1 directory it was born with
  std::vector<model::CgroupDirectory> directories;
  std::string path;
  // Path, runtime, ids, name, pod uid, QoS, start, key: what the path tells.
  model::FieldSet identity;
  bool is_alive = true;
};

// Slots, each at most once per list. Handle `died` first: its path may be born again.
struct Changes {
  std::vector<Slot> died;
  std::vector<Slot> born;
  std::vector<Slot> changed;  // directories were added or removed

  bool empty() const { return died.empty() && born.empty() && changed.empty(); }
};

// A directory was made or removed in a cgroup tree. `path` may be cut or empty.
struct CgroupHint {
  enum class Kind { kMade, kRemoved };
  Kind kind{};
  std::uint32_t hierarchy_id = 0;
  std::uint64_t id = 0;
  std::string path = {};
};

struct RegistryCounts {
  std::size_t tracked = 0;             // alive, with a slot
  std::size_t overflowing = 0;         // exist now, without a slot: part of `other`
  std::uint64_t overflowed = 0;        // distinct ones ever refused a slot
  std::size_t half_made = 0;           // waiting for their cgroup2 directory
  std::size_t directories_seen = 0;    // by the last scan, all hierarchies
  std::uint64_t incomplete_scans = 0;  // a bound was met or a directory could not be read
  std::uint64_t unresolved_hints = 0;  // led to wants_scan()
};

class Registry {
 public:
  Registry(const model::CgroupLayout& layout, RegistryOptions options);

  // Everything against what is tracked. The first scan does not wait for
  // half-made groups: what is there at start has been there for a while.
  Changes Scan(BootTime now);
  // Cheap: one classification and one stat per hierarchy.
  Changes OnCgroup(const CgroupHint& hint, BootTime now);
  // Looks again at half-made groups. Costs nothing when there are none.
  Changes Settle(BootTime now);

  // Requires: the slot is of a dead workload. It may be given to another one from now on.
  void Release(Slot slot);
  // References for entities that are not workloads come from the same series.
  model::EntityRef NextRef() { return model::EntityRef{next_ref_++}; }

  // What was learned about a workload after its birth joins its identity; its
  // directories and key stay. Whether anything changed; not, where nobody alive
  // has the slot.
  bool Describe(Slot slot, std::optional<model::EntityKind> kind, const model::FieldSet& identity);

  // Requires: a workload that is alive, or dead and not yet released.
  const Workload& Get(Slot slot) const;
  // nullptr: nobody has it.
  const Workload* Find(Slot slot) const;
  const Workload* FindByKey(const model::WorkloadKey& key) const;
  // In order of slots; the dead ones that are not released included.
  std::vector<const Workload*> All() const;
  // A hint could not be resolved, or a slot became free while workloads went without: scan now.
  // Becomes true in OnCgroup() and Settle(), at most once per scan_gap.
  bool wants_scan() const { return wants_scan_; }
  RegistryCounts counts() const;

 private:
  struct HalfMade {
    Identity identity;
    BootTime since{};
  };
  using Directories = std::vector<model::CgroupDirectory>;

  void Consider(const Identity& identity, Directories found, BootTime now, Changes& changes);
  void Follow(Workload& workload, const Identity& identity, Directories found, BootTime now,
              Changes& changes);
  void Bear(const Identity& identity, Directories found, BootTime now, Changes& changes);
  void Die(Workload& workload, const Directories& remaining, Changes& changes);
  bool IsLeftOver(const std::string& path, const Directories& found);
  void Refuse(const model::WorkloadKey& key);
  struct Met;
  std::vector<Met> Look();
  void AddUnseen(const std::vector<std::uint32_t>& seen, std::vector<Met>& met) const;
  void Lost(const CgroupHint& hint, BootTime now, Changes& changes);
  std::string PathOf(const CgroupHint& hint, const model::Hierarchy& hierarchy);
  void AskForScan(BootTime now);
  void Index(const Workload& workload);
  void Unindex(const Workload& workload);
  Workload* FindAlive(const std::string& path);

  const model::CgroupLayout layout_;  // only the hierarchies that are looked through
  const RegistryOptions options_;
  const bool waits_for_v2_;

  std::vector<std::unique_ptr<Workload>> by_slot_;  // [0] stays empty
  std::priority_queue<Slot, std::vector<Slot>, std::greater<>>
      free_slots_;                                             // lowest first keeps them dense
  std::unordered_map<std::string, Slot> by_path_;              // alive
  std::unordered_map<model::WorkloadKey, Slot> by_directory_;  // alive; every directory
  std::unordered_map<std::string, HalfMade> half_made_;
  // Directories that outlived the key directory of their workload: removing a group takes a runtime
  // several rmdir(2), and what is left meanwhile must not be born as somebody new.
  std::unordered_map<std::string, Directories> left_over_;
  std::unordered_set<model::WorkloadKey> refused_;  // since and by the last scan
  std::unordered_set<model::WorkloadKey>
      was_refused_;  // before it; so that nobody is counted twice
  std::uint32_t next_ref_ = 1;
  std::optional<BootTime> last_scan_;
  bool is_first_scan_ = false;     // while it runs
  bool missed_something_ = false;  // only a scan can find it
  bool wants_scan_ = false;
  RegistryCounts counts_;
};

}  // namespace ballast::discover

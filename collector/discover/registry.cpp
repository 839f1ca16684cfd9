#include "collector/discover/registry.h"

#include <algorithm>
#include <utility>

#include "collector/base/check.h"
#include "collector/discover/identity_fields.h"
#include "collector/discover/resolve.h"

namespace ballast::discover {
namespace {

using model::CgroupDirectory;
using model::WorkloadKey;

// Waiting groups and refused keys that are remembered: they only sharpen counts and timing, the
// next scan finds everything again, so a flood of groups costs accuracy there and no memory.
constexpr std::size_t kMaxRemembered = 65'536;

// cgroup2 first: its directory is the identity where there is one.
model::CgroupLayout OnlyScanned(const model::CgroupLayout& layout,
                                const std::vector<std::string>& v1_controllers) {
  model::CgroupLayout scanned;
  if (const model::Hierarchy* v2 = layout.FindV2()) scanned.hierarchies.push_back(*v2);
  for (const std::string& controller : v1_controllers) {
    const model::Hierarchy* v1 = layout.FindV1(controller);
    if (v1 != nullptr && std::ranges::find(scanned.hierarchies, *v1) == scanned.hierarchies.end())
      scanned.hierarchies.push_back(*v1);
  }
  return scanned;
}

WorkloadKey KeyOfDirectory(const CgroupDirectory& directory) {
  return {directory.id, directory.hierarchy_id};
}

bool Has(const std::vector<CgroupDirectory>& directories, const WorkloadKey& key) {
  return std::ranges::find(directories, key, KeyOfDirectory) != directories.end();
}

bool HasV2(const std::vector<CgroupDirectory>& directories) {
  return std::ranges::find(directories, 0U, &CgroupDirectory::hierarchy_id) != directories.end();
}

}  // namespace

Registry::Registry(const model::CgroupLayout& layout, RegistryOptions options)
    : layout_(OnlyScanned(layout, options.v1_controllers)),
      options_(std::move(options)),
      waits_for_v2_(layout_.FindV2() != nullptr && layout_.hierarchies.size() > 1),
      by_slot_(options_.max_workloads + 1) {
  for (Slot slot = 1; slot <= options_.max_workloads; ++slot) free_slots_.push(slot);
}

// A workload's path that a scan has to think about.
struct Registry::Met {
  Identity identity;
  WorkloadKey key;  // of the directory it was met by
};

Changes Registry::Scan(BootTime now) {
  missed_something_ = false;
  wants_scan_ = false;
  is_first_scan_ = !last_scan_;
  last_scan_ = now;
  was_refused_ = std::exchange(refused_, {});
  std::vector<Met> met = Look();
  // When slots are short, units go without before containers, VMs and what the configuration names.
  std::stable_partition(met.begin(), met.end(),
                        [](const Met& m) { return m.identity.runtime != "systemd"; });
  Changes changes;
  for (const Met& m : met) {
    if (free_slots_.empty() && FindAlive(m.identity.path) == nullptr)
      Refuse(m.key);  // without a look at its directories: there may be very many
    else
      Consider(m.identity, model::FindDirectories(layout_, m.identity.path), now, changes);
  }
  std::erase_if(left_over_, [&](const auto& entry) {
    return model::FindDirectories(layout_, entry.first).empty();
  });
  is_first_scan_ = false;
  return changes;
}

// All paths that have no workload, have a directory their workload does not
// know, or miss one that it does.
std::vector<Registry::Met> Registry::Look() {
  std::vector<Met> met;
  std::unordered_set<std::string> met_paths;
  std::vector<std::uint32_t> seen(by_slot_.size(), 0);  // directories of each slot's workload
  bool is_complete = true;
  counts_.directories_seen = 0;
  for (const model::Hierarchy& hierarchy : layout_.hierarchies) {
    const auto visit = [&](const std::string& path, std::uint64_t id) {
      const WorkloadKey key{id, hierarchy.id};
      if (const auto known = by_directory_.find(key); known != by_directory_.end()) {
        ++seen[known->second];
        const Workload& workload = *by_slot_[known->second];
        // Nested containers were met in the cgroup2 tree already.
        const bool was_below = !hierarchy.is_v2 && HasV2(workload.directories);
        return workload.kind == model::EntityKind::kVm || was_below ? Descend::kNo : Descend::kYes;
      }
      auto identity = Classify(path, options_.classify);
      if (identity && identity->path == path && met_paths.insert(path).second)
        met.push_back({*std::move(identity), key});
      return Descend::kYes;
    };
    const WalkResult walked = WalkCgroups(hierarchy.mount_point, options_.walk, visit);
    counts_.directories_seen += walked.directories;
    is_complete = is_complete && walked.is_complete;
  }
  if (!is_complete) ++counts_.incomplete_scans;
  AddUnseen(seen, met);
  return met;
}

// Not met by a scan is not yet gone: a bound, a full descriptor table or a race
// may hide a directory. Their paths are asked about one by one.
void Registry::AddUnseen(const std::vector<std::uint32_t>& seen, std::vector<Met>& met) const {
  for (const auto& workload : by_slot_) {
    if (!workload || !workload->is_alive || seen[workload->slot] == workload->directories.size())
      continue;
    auto identity = Classify(workload->path, options_.classify);
    BALLAST_CHECK(identity.has_value(), "a tracked path classifies");
    met.push_back({*std::move(identity), workload->key});
  }
}

Changes Registry::OnCgroup(const CgroupHint& hint, BootTime now) {
  Changes changes;
  const auto hierarchy =
      std::ranges::find(layout_.hierarchies, hint.hierarchy_id, &model::Hierarchy::id);
  if (hierarchy == layout_.hierarchies.end()) return changes;  // a controller that is not looked at
  if (hint.kind == CgroupHint::Kind::kRemoved) {
    Lost(hint, now, changes);
    return changes;
  }
  const std::string path = PathOf(hint, *hierarchy);
  AskForScan(now);
  if (path.empty()) return changes;
  const auto identity = Classify(path, options_.classify);
  // Not a workload, or one's inner group, whose parent had its own hint.
  if (identity && identity->path == path)
    Consider(*identity, model::FindDirectories(layout_, path), now, changes);
  return changes;
}

Changes Registry::Settle(BootTime now) {
  AskForScan(now);
  Changes changes;
  std::vector<Identity> due;
  for (const auto& [path, waiting] : half_made_)
    if (now - waiting.since >= options_.settle) due.push_back(waiting.identity);
  for (const Identity& identity : due)
    Consider(identity, model::FindDirectories(layout_, identity.path), now, changes);
  return changes;
}

void Registry::AskForScan(BootTime now) {
  const bool is_too_soon = last_scan_ && now - *last_scan_ < options_.scan_gap;
  if (missed_something_ && !is_too_soon) wants_scan_ = true;
}

// The path of the hint if it is whole, else the kernel's answer; empty: gone
// again, or nobody can say, and then a scan is due.
std::string Registry::PathOf(const CgroupHint& hint, const model::Hierarchy& hierarchy) {
  if (hint.path.starts_with('/')) {
    const auto found = model::FindDirectories(model::CgroupLayout{{hierarchy}}, hint.path);
    if (!found.empty() && found.front().id == hint.id) return hint.path;
  }
  auto path = FindCgroupPath(hierarchy.mount_point, hint.id);
  if (path) return std::move(*path).value_or("");
  ++counts_.unresolved_hints;
  missed_something_ = true;
  return {};
}

void Registry::Lost(const CgroupHint& hint, BootTime now, Changes& changes) {
  const auto known = by_directory_.find(WorkloadKey{hint.id, hint.hierarchy_id});
  if (known == by_directory_.end()) return;
  Workload& workload = *by_slot_[known->second];
  Directories remaining = workload.directories;
  std::erase_if(remaining, [&](const auto& d) {
    return d.id == hint.id && d.hierarchy_id == hint.hierarchy_id;
  });
  const auto identity = Classify(workload.path, options_.classify);
  BALLAST_CHECK(identity.has_value(), "a tracked path classifies");
  Follow(workload, *identity, std::move(remaining), now, changes);
}

// What a path's directories mean for what is tracked under it.
void Registry::Consider(const Identity& identity, Directories found, BootTime now,
                        Changes& changes) {
  if (Workload* workload = FindAlive(identity.path)) {
    Follow(*workload, identity, std::move(found), now, changes);
    return;
  }
  if (found.empty() || IsLeftOver(identity.path, found)) {
    half_made_.erase(identity.path);
    return;
  }
  if (waits_for_v2_ && !is_first_scan_ && !HasV2(found) && half_made_.size() < kMaxRemembered) {
    const auto waiting = half_made_.try_emplace(identity.path, HalfMade{identity, now}).first;
    if (now - waiting->second.since < options_.settle) return;
  }
  Bear(identity, std::move(found), now, changes);
}

// Requires: `workload` is alive and of this path.
void Registry::Follow(Workload& workload, const Identity& identity, Directories found, BootTime now,
                      Changes& changes) {
  if (!Has(found, workload.key)) {
    Die(workload, found, changes);
    Consider(identity, std::move(found), now, changes);
    return;
  }
  if (found == workload.directories) return;
  Unindex(workload);
  workload.directories = std::move(found);
  Index(workload);
  const bool is_new = std::ranges::find(changes.born, workload.slot) != changes.born.end();
  const bool is_listed = std::ranges::find(changes.changed, workload.slot) != changes.changed.end();
  if (!is_new && !is_listed) changes.changed.push_back(workload.slot);
}

void Registry::Bear(const Identity& identity, Directories found, BootTime now, Changes& changes) {
  const WorkloadKey key = *model::KeyOf(found);
  BootTime start = now;
  if (const auto waited = half_made_.extract(identity.path)) start = waited.mapped().since;
  if (free_slots_.empty()) {
    Refuse(key);
    return;
  }
  left_over_.erase(identity.path);
  const Slot slot = free_slots_.top();
  free_slots_.pop();
  auto workload = std::make_unique<Workload>();
  workload->slot = slot;
  workload->ref = NextRef();
  workload->kind = identity.kind;
  workload->key = key;
  workload->directories = std::move(found);
  workload->path = identity.path;
  workload->identity = IdentityFields(identity, key, start);
  by_slot_[slot] = std::move(workload);
  by_path_[identity.path] = slot;
  Index(*by_slot_[slot]);
  ++counts_.tracked;
  changes.born.push_back(slot);
}

void Registry::Die(Workload& workload, const Directories& remaining, Changes& changes) {
  Directories rest;
  for (const CgroupDirectory& directory : remaining)
    if (Has(workload.directories, KeyOfDirectory(directory))) rest.push_back(directory);
  if (!rest.empty() && left_over_.size() < kMaxRemembered)
    left_over_[workload.path] = std::move(rest);
  Unindex(workload);
  by_path_.erase(workload.path);
  workload.is_alive = false;
  --counts_.tracked;
  changes.died.push_back(workload.slot);
}

bool Registry::IsLeftOver(const std::string& path, const Directories& found) {
  const auto old = left_over_.find(path);
  return old != left_over_.end() && std::ranges::all_of(found, [&](const auto& d) {
           return Has(old->second, KeyOfDirectory(d));
         });
}

void Registry::Refuse(const WorkloadKey& key) {
  if (refused_.size() < kMaxRemembered && refused_.insert(key).second &&
      !was_refused_.contains(key))
    ++counts_.overflowed;
}

void Registry::Release(Slot slot) {
  BALLAST_CHECK(slot < by_slot_.size() && by_slot_[slot] && !by_slot_[slot]->is_alive,
                "only the dead are released");
  by_slot_[slot].reset();
  free_slots_.push(slot);
  if (!refused_.empty()) missed_something_ = true;
}

void Registry::Index(const Workload& workload) {
  for (const CgroupDirectory& directory : workload.directories)
    by_directory_[KeyOfDirectory(directory)] = workload.slot;
}

void Registry::Unindex(const Workload& workload) {
  for (const CgroupDirectory& directory : workload.directories)
    by_directory_.erase(KeyOfDirectory(directory));
}

Workload* Registry::FindAlive(const std::string& path) {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : by_slot_[found->second].get();
}

bool Registry::Describe(Slot slot, std::optional<model::EntityKind> kind,
                        const model::FieldSet& identity) {
  if (slot >= by_slot_.size() || !by_slot_[slot] || !by_slot_[slot]->is_alive) return false;
  Workload& workload = *by_slot_[slot];
  const auto before = std::make_pair(workload.kind, workload.identity);
  if (kind) workload.kind = *kind;
  workload.identity.Merge(identity);
  return before != std::make_pair(workload.kind, workload.identity);
}

const Workload* Registry::Find(Slot slot) const {
  return slot < by_slot_.size() ? by_slot_[slot].get() : nullptr;
}

const Workload& Registry::Get(Slot slot) const {
  const Workload* workload = Find(slot);
  BALLAST_CHECK(workload != nullptr, "the slot has an owner");
  return *workload;
}

const Workload* Registry::FindByKey(const WorkloadKey& key) const {
  const auto found = by_directory_.find(key);
  if (found == by_directory_.end() || by_slot_[found->second]->key != key) return nullptr;
  return by_slot_[found->second].get();
}

std::vector<const Workload*> Registry::All() const {
  std::vector<const Workload*> all;
  for (const auto& workload : by_slot_)
    if (workload) all.push_back(workload.get());
  return all;
}

RegistryCounts Registry::counts() const {
  RegistryCounts counts = counts_;
  counts.overflowing = refused_.size();
  counts.half_made = half_made_.size();
  return counts;
}

}  // namespace ballast::discover

#include "collector/model/state.h"

#include <array>

namespace ballast::model {
namespace {

bool SameIncarnation(const RecordHeader& a, const RecordHeader& b) {
  return a.incarnation == b.incarnation && a.boot_id == b.boot_id && a.host == b.host;
}

}  // namespace

State::Applied State::Apply(const Record& record) {
  const bool same = whole_ && SameIncarnation(header_, record.header);
  if (same && record.header.sequence <= header_.sequence) return Applied::kSkipped;
  const bool is_key = std::holds_alternative<Key>(record.body);
  if (!same && !is_key) return Applied::kSkipped;

  const bool had_state = whole_;
  const bool gap = same && record.header.sequence != header_.sequence + 1;
  header_ = record.header;
  whole_ = true;
  std::visit([this](const auto& body) { Apply(body); }, record.body);
  if (!same && had_state) return Applied::kReset;
  return gap ? Applied::kGap : Applied::kYes;
}

void State::Apply(const Tick& tick) {
  for (const EntityRow& row : tick.rows) ApplyRow(row);
  for (const EntityRef ref : tick.removed) Remove(ref);
}

void State::Apply(const Event& event) {
  for (const EntityRow& row : event.rows) ApplyRow(row);
  if (event.kind == EventKind::kWorkloadDied && event.subject) Remove(*event.subject);
}

void State::Apply(const Key& key) {
  entities_.clear();
  by_key_.clear();
  for (const EntityRow& row : key.entities) ApplyRow(row);
}

void State::ApplyRow(const EntityRow& row) {
  auto found = entities_.find(row.ref);
  if (found == entities_.end()) {
    if (!row.kind) return;  // born in a record that this reader missed; the next key has it
    found = entities_.emplace(row.ref, Entity{*row.kind, row.parent.value_or(kHostRef), {}}).first;
  }
  Entity& entity = found->second;
  if (row.kind) entity.kind = *row.kind;  // a plain group turned out to be a VM's
  entity.fields.Merge(row.fields);
  for (const Field field : row.cleared) entity.fields.Clear(field);
  if (row.kind && IsWorkload(entity.kind))
    if (const auto key = KeyOf(entity.fields)) by_key_[*key] = row.ref;
}

void State::Remove(EntityRef ref) {
  const auto found = entities_.find(ref);
  if (found == entities_.end()) return;
  if (const auto key = KeyOf(found->second.fields)) {
    const auto named = by_key_.find(*key);
    if (named != by_key_.end() && named->second == ref) by_key_.erase(named);
  }
  entities_.erase(found);
  // Children (devices, vCPUs) were made after their parent, so they follow it.
  for (auto child = entities_.upper_bound(ref); child != entities_.end();)
    child = child->second.parent == ref ? entities_.erase(child) : std::next(child);
}

const Entity* State::Find(EntityRef ref) const {
  const auto found = entities_.find(ref);
  return found == entities_.end() ? nullptr : &found->second;
}

std::optional<EntityRef> State::FindWorkload(WorkloadKey key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

const FieldSet& State::host() const {
  static const FieldSet kNothing;
  const Entity* host = Find(kHostRef);
  return host == nullptr ? kNothing : host->fields;
}

Key State::ToKey() const {
  Key key;
  key.entities.reserve(entities_.size());
  for (const auto& [ref, entity] : entities_)
    key.entities.push_back({ref, entity.kind, entity.parent, entity.fields, {}});
  key.field_names = KnownFieldNames();
  return key;
}

std::optional<WorkloadKey> KeyOf(const FieldSet& fields) {
  const auto id = fields.Get(Field::kCgroupId);
  const auto hierarchy = fields.Get(Field::kHierarchyId);
  if (!id || !hierarchy) return std::nullopt;
  return WorkloadKey{*id, static_cast<std::uint32_t>(*hierarchy)};
}

std::vector<FieldName> KnownFieldNames() {
  std::vector<FieldName> names;
  for (const FieldInfo& info : AllFields())
    names.push_back({static_cast<std::uint32_t>(info.field), std::string(info.name)});
  return names;
}

std::string_view NameOf(EntityKind kind) {
  switch (kind) {
    case EntityKind::kHost:
      return "host";
    case EntityKind::kContainer:
      return "container";
    case EntityKind::kVm:
      return "vm";
    case EntityKind::kSlice:
      return "slice";
    case EntityKind::kDevice:
      return "device";
    case EntityKind::kInterface:
      return "interface";
    case EntityKind::kVcpu:
      return "vcpu";
    case EntityKind::kExit:
      return "exit";
    case EntityKind::kBlame:
      return "blame";
    case EntityKind::kTool:
      return "tool";
    case EntityKind::kLoss:
      return "loss";
  }
  return "unknown";
}

std::string_view NameOf(EventKind kind) {
  switch (kind) {
    case EventKind::kWorkloadBorn:
      return "workload_born";
    case EventKind::kWorkloadDied:
      return "workload_died";
    case EventKind::kWorkloadChanged:
      return "workload_changed";
    case EventKind::kThrottleBegin:
      return "throttle_begin";
    case EventKind::kMemoryLimit:
      return "memory_limit";
    case EventKind::kOomKill:
      return "oom_kill";
    case EventKind::kPressure:
      return "pressure";
    case EventKind::kToolCall:
      return "tool_call";
    case EventKind::kToolBegin:
      return "tool_begin";
    case EventKind::kDecision:
      return "decision";
    case EventKind::kActuation:
      return "actuation";
    case EventKind::kAutoscaler:
      return "autoscaler";
    case EventKind::kMigration:
      return "migration";
    case EventKind::kGap:
      return "gap";
    case EventKind::kSource:
      return "source";
  }
  return "unknown";
}

}  // namespace ballast::model

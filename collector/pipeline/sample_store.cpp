#include "collector/pipeline/sample_store.h"

#include "collector/base/check.h"

namespace ballast::pipeline {
namespace {

using model::EntityRef;
using model::FieldDifference;

constexpr std::uint32_t BitOf(model::EntityKind kind) {
  return 1U << static_cast<unsigned>(kind);
}

// The row that turns `last` into `now`, if any; `last` becomes `now`.
bool TakeDifference(model::FieldSet& last, model::FieldSet& now, model::EntityRow& row) {
  FieldDifference difference = FieldDifference::Between(last, now);
  if (difference.empty()) return false;
  row.fields = std::move(difference.changed);
  row.cleared = std::move(difference.cleared);
  // Swapped, not copied: `now` is cleared and refilled in the next tick.
  std::swap(last, now);
  return true;
}

}  // namespace

SampleStore::SampleStore(source::Slot max_slot, std::function<EntityRef()> next_ref)
    : next_ref_(std::move(next_ref)), entries_(static_cast<std::size_t>(max_slot) + 1) {
  entries_[source::kHostSlot].in_use = true;
}

void SampleStore::Add(source::Slot slot, EntityRef ref) {
  BALLAST_CHECK(slot < entries_.size() && !entries_[slot].in_use,
                "discovery gave a slot twice or out of bounds");
  entries_[slot] = Entry{.in_use = true, .ref = ref, .now = {}, .last = {}};
}

void SampleStore::Remove(source::Slot slot) {
  entries_[slot] = Entry{};
  const auto first = children_.lower_bound({slot, model::EntityKind{}, {}});
  const auto last = children_.lower_bound({slot + 1, model::EntityKind{}, {}});
  children_.erase(first, last);
}

void SampleStore::Begin() {
  for (Entry& entry : entries_) {
    entry.keep = entry.overlaid = false;
    entry.kept_kinds = 0;
    entry.now.ClearAll();
  }
  for (auto& [key, child] : children_) {
    child.seen = false;
    child.now.ClearAll();
  }
}

model::FieldSet& SampleStore::Of(source::Slot slot) {
  BALLAST_CHECK(slot < entries_.size() && entries_[slot].in_use,
                "a source measured a slot that is not tracked");
  Entry& entry = entries_[slot];
  if (entry.keep && !entry.overlaid) {
    entry.now = entry.last;
    entry.overlaid = true;
  }
  return entry.now;
}

model::FieldSet& SampleStore::Child(source::Slot parent, model::EntityKind kind,
                                    std::string_view name) {
  auto [found, is_new] = children_.try_emplace(ChildKey{parent, kind, std::string(name)});
  if (is_new) found->second.ref = next_ref_();
  found->second.seen = true;
  return found->second.now;
}

void SampleStore::KeepChildren(source::Slot parent, model::EntityKind kind) {
  entries_[parent].kept_kinds |= BitOf(kind);
}

void SampleStore::Keep(source::Slot slot) {
  Entry& entry = entries_[slot];
  entry.keep = !entry.touched && !entry.last.empty();
}

model::Tick SampleStore::End() {
  model::Tick tick;
  for (Entry& entry : entries_) {
    entry.touched = false;
    if (!entry.in_use || (entry.keep && !entry.overlaid)) continue;
    model::EntityRow row{entry.ref, std::nullopt, std::nullopt, {}, {}};
    if (TakeDifference(entry.last, entry.now, row)) tick.rows.push_back(std::move(row));
  }
  EndChildren(tick);
  return tick;
}

void SampleStore::EndChildren(model::Tick& tick) {
  for (auto at = children_.begin(); at != children_.end();) {
    const auto& [parent, kind, name] = at->first;
    ChildEntry& child = at->second;
    const Entry& owner = entries_[parent];
    const bool is_kept = owner.keep || (owner.kept_kinds & BitOf(kind)) != 0;
    if (!child.seen && !is_kept) {
      if (!child.is_new) tick.removed.push_back(child.ref);
      at = children_.erase(at);
      continue;
    }
    model::EntityRow row{child.ref, std::nullopt, std::nullopt, {}, {}};
    const bool changed = child.seen && TakeDifference(child.last, child.now, row);
    if (child.is_new) {
      row.kind = kind;
      row.parent = owner.ref;
      row.fields.SetText(model::Field::kName, name);
    }
    if (changed || child.is_new) tick.rows.push_back(std::move(row));
    child.is_new = false;
    ++at;
  }
}

}  // namespace ballast::pipeline

#include "collector/pipeline/sample_store.h"

#include <algorithm>

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
    : next_ref_(std::move(next_ref)),
      entries_(static_cast<std::size_t>(max_slot) + 1),
      marks_(entries_.size()),
      in_use_{source::kHostSlot} {
  entries_[source::kHostSlot].in_use = true;
}

void SampleStore::Add(source::Slot slot, EntityRef ref) {
  BALLAST_CHECK(slot < entries_.size() && !entries_[slot].in_use,
                "discovery gave a slot twice or out of bounds");
  entries_[slot] = Entry{.in_use = true, .ref = ref, .now = {}, .last = {}, .children = {}};
  marks_[slot] = 0;
  in_use_.insert(std::ranges::lower_bound(in_use_, slot), slot);
}

void SampleStore::Remove(source::Slot slot) {
  if (!entries_[slot].in_use) return;
  entries_[slot] = Entry{};
  marks_[slot] = 0;
  in_use_.erase(std::ranges::lower_bound(in_use_, slot));
}

SampleStore::Entry& SampleStore::InUse(source::Slot slot) {
  BALLAST_CHECK(slot < entries_.size() && entries_[slot].in_use,
                "a source measured a slot that is not tracked");
  return entries_[slot];
}

void SampleStore::Begin() {
  for (const source::Slot slot : in_use_) {
    Marks& marks = marks_[slot];
    if ((marks & kFilled) != 0) {
      Entry& entry = entries_[slot];
      entry.overlaid = false;
      entry.kept_kinds = 0;
      entry.now.ClearAll();
      for (auto& [key, child] : entry.children) {
        child.seen = false;
        child.now.ClearAll();
      }
    }
    marks &= kTouched;
  }
}

model::FieldSet& SampleStore::Of(source::Slot slot) {
  Entry& entry = InUse(slot);
  if (IsKept(slot) && !entry.overlaid) {
    entry.now = entry.last;
    entry.overlaid = true;
  }
  marks_[slot] |= kFilled;
  return entry.now;
}

model::FieldSet& SampleStore::Child(source::Slot parent, model::EntityKind kind,
                                    std::string_view name) {
  Entry& entry = InUse(parent);
  marks_[parent] |= kFilled | kChildrenNamed;
  auto found = entry.children.find(std::pair(kind, name));
  if (found == entry.children.end()) {
    found = entry.children.try_emplace(ChildKey{kind, name}).first;
    found->second.ref = next_ref_();
  }
  found->second.seen = true;
  return found->second.now;
}

void SampleStore::KeepChildren(source::Slot parent, model::EntityKind kind) {
  marks_[parent] |= kFilled;
  entries_[parent].kept_kinds |= BitOf(kind);
}

void SampleStore::Keep(source::Slot slot) {
  // What was set of it before, in this tick, would be lost.
  if ((marks_[slot] & (kTouched | kFilled)) == 0 && !entries_[slot].last.empty())
    marks_[slot] |= kKept;
}

model::Tick SampleStore::End() {
  model::Tick tick;
  for (const source::Slot slot : in_use_) {
    marks_[slot] &= static_cast<Marks>(~kTouched);
    Entry& entry = entries_[slot];
    if (IsKept(slot) && !entry.overlaid) continue;
    marks_[slot] |= kFilled;  // what `now` is swapped for
    model::EntityRow row{entry.ref, std::nullopt, std::nullopt, {}, {}};
    if (TakeDifference(entry.last, entry.now, row)) tick.rows.push_back(std::move(row));
  }
  // Children of a kept workload stand as they were, but for those that were named.
  for (const source::Slot slot : in_use_)
    if (!IsKept(slot) || (marks_[slot] & kChildrenNamed) != 0) EndChildren(slot, tick);
  return tick;
}

void SampleStore::EndChildren(source::Slot slot, model::Tick& tick) {
  Entry& owner = entries_[slot];
  for (auto at = owner.children.begin(); at != owner.children.end();) {
    const auto& [kind, name] = at->first;
    ChildEntry& child = at->second;
    const bool is_kept = IsKept(slot) || (owner.kept_kinds & BitOf(kind)) != 0;
    if (!child.seen && !is_kept) {
      if (!child.is_new) tick.removed.push_back(child.ref);
      at = owner.children.erase(at);
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

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "collector/model/record.h"
#include "collector/source/source.h"

namespace ballast::pipeline {

// Two ticks of measurements side by side: what the sources write now, and what
// the last record said. A tick record is their difference.
//
//   store.Begin();            // every value absent
//   source.Collect(store);    // sources fill
//   Tick tick = store.End();  // what changed; becomes the base of the next one
//
// Not thread-safe; owned by the tick thread.
class SampleStore final : public source::Sample {
 public:
  // Slots run from 0 (the host) to `max_slot`. `next_ref` gives references never
  // given before, to workloads and children alike.
  SampleStore(source::Slot max_slot, std::function<model::EntityRef()> next_ref);

  // From now on `slot` is measured as `ref`. Requires: the slot is free.
  void Add(source::Slot slot, model::EntityRef ref);
  // Forgets the slot and its children; they leave no trace in the next tick,
  // because the event of the death removes them at the readers.
  void Remove(source::Slot slot);

  void Begin();
  model::Tick End();

  // Sample:
  model::FieldSet& Of(source::Slot slot) override;
  model::FieldSet& Child(source::Slot parent, model::EntityKind kind,
                         std::string_view name) override;
  void KeepChildren(source::Slot parent, model::EntityKind kind) override;
  void Keep(source::Slot slot) override;
  bool IsKept(source::Slot slot) const override { return entries_[slot].keep; }

  // Something happened to it: the next tick measures it, whoever would keep it.
  void Touch(source::Slot slot) { entries_[slot].touched = true; }

  // What the last record said of the slot.
  const model::FieldSet& Last(source::Slot slot) const { return entries_[slot].last; }

 private:
  struct Entry {
    bool in_use = false;
    bool keep = false;
    bool touched = false;
    bool overlaid = false;  // kept, and `now` began as `last`
    std::uint32_t kept_kinds = 0;  // bit n: children of EntityKind n
    model::EntityRef ref = model::kHostRef;
    model::FieldSet now;
    model::FieldSet last;
  };
  struct ChildEntry {
    model::EntityRef ref = model::kHostRef;
    bool seen = false;
    bool is_new = true;
    model::FieldSet now;
    model::FieldSet last;
  };
  using ChildKey = std::tuple<source::Slot, model::EntityKind, std::string>;

  void EndChildren(model::Tick& tick);

  std::function<model::EntityRef()> next_ref_;
  std::vector<Entry> entries_;  // by slot; 0 is the host
  std::map<ChildKey, ChildEntry> children_;
};

}  // namespace ballast::pipeline

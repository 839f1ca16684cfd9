#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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
  bool IsKept(source::Slot slot) const override { return (marks_[slot] & kKept) != 0; }
  void Doze(source::Slot slot) override { marks_[slot] |= kDozing; }
  bool IsDozing(source::Slot slot) const override { return (marks_[slot] & kDozing) != 0; }

  // Something happened to it: the next tick measures it, whoever would keep it.
  void Touch(source::Slot slot) { marks_[slot] |= kTouched; }

  // What the last record said of the slot.
  const model::FieldSet& Last(source::Slot slot) const { return entries_[slot].last; }

 private:
  // What is known of a slot in this tick. Bytes side by side: most workloads
  // sleep in most ticks, and nothing else of them is looked at.
  using Marks = std::uint8_t;
  static constexpr Marks kKept = 1;
  static constexpr Marks kTouched = 2;
  static constexpr Marks kFilled = 4;         // `now` or its children hold something
  static constexpr Marks kChildrenNamed = 8;  // some child was
  static constexpr Marks kDozing = 16;

  struct ChildEntry {
    model::EntityRef ref = model::kHostRef;
    bool seen = false;
    bool is_new = true;
    model::FieldSet now;
    model::FieldSet last;
  };
  using ChildKey = std::pair<model::EntityKind, std::string>;
  struct ChildOrder {  // finds by a view of the name, too
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const {
      return std::pair<model::EntityKind, std::string_view>(a) <
             std::pair<model::EntityKind, std::string_view>(b);
    }
  };
  struct Entry {
    bool in_use = false;
    bool overlaid = false;         // kept, and `now` began as `last`
    std::uint32_t kept_kinds = 0;  // bit n: children of EntityKind n
    model::EntityRef ref = model::kHostRef;
    model::FieldSet now;
    model::FieldSet last;
    std::map<ChildKey, ChildEntry, ChildOrder> children;
  };

  Entry& InUse(source::Slot slot);
  void EndChildren(source::Slot slot, model::Tick& tick);

  std::function<model::EntityRef()> next_ref_;
  std::vector<Entry> entries_;        // by slot; 0 is the host
  std::vector<Marks> marks_;          // by slot
  std::vector<source::Slot> in_use_;  // ascending
};

}  // namespace ballast::pipeline

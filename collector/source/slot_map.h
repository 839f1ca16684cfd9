#pragma once

// What a source remembers of each tracked workload, by slot. A tick goes through
// all of them and skips most: the slots are one dense ascending list, and the
// value of a skipped one is not even touched.
//
//   SlotMap<Totals> tracked;
//   tracked[slot] = ...;                       // added where it was not there
//   for (const Slot slot : tracked.slots()) if (!sample.IsKept(slot)) Fill(tracked.At(slot));
//
// References stay valid until their slot is erased. Not thread-safe.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "collector/source/source.h"

namespace ballast::source {

template <typename Value>
class SlotMap {
 public:
  // The value, made where there was none, and whether it was made.
  std::pair<Value&, bool> Add(Slot slot) {
    if (slot >= values_.size()) values_.resize(std::size_t{slot} + 1);
    const bool is_new = values_[slot] == nullptr;
    if (is_new) {
      values_[slot] = std::make_unique<Value>();
      slots_.insert(std::ranges::lower_bound(slots_, slot), slot);
    }
    return {*values_[slot], is_new};
  }
  Value& operator[](Slot slot) { return Add(slot).first; }

  // Requires: the slot is there.
  Value& At(Slot slot) { return *values_[slot]; }
  const Value& At(Slot slot) const { return *values_[slot]; }
  // nullptr: not there.
  Value* Find(Slot slot) { return slot < values_.size() ? values_[slot].get() : nullptr; }
  const Value* Find(Slot slot) const {
    return slot < values_.size() ? values_[slot].get() : nullptr;
  }

  void Erase(Slot slot) {
    if (Find(slot) == nullptr) return;
    values_[slot].reset();
    slots_.erase(std::ranges::lower_bound(slots_, slot));
  }

  // Ascending.
  const std::vector<Slot>& slots() const { return slots_; }

 private:
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Value>> values_;  // by slot
};

}  // namespace ballast::source

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "collector/source/source.h"

namespace ballast::test {

// A Sample that a test can look into: what the sources set, by slot and child.
class MapSample final : public source::Sample {
 public:
  model::FieldSet& Of(source::Slot slot) override { return slots[slot]; }
  model::FieldSet& Child(source::Slot parent, model::EntityKind kind,
                         std::string_view name) override {
    return children[{parent, kind, std::string(name)}];
  }
  void KeepChildren(source::Slot, model::EntityKind) override {}
  void Keep(source::Slot slot) override { kept[slot] = true; }
  bool IsKept(source::Slot slot) const override { return kept.contains(slot); }
  void Doze(source::Slot slot) override { dozing[slot] = true; }
  bool IsDozing(source::Slot slot) const override { return dozing.contains(slot); }

  std::map<source::Slot, model::FieldSet> slots;
  std::map<std::tuple<source::Slot, model::EntityKind, std::string>, model::FieldSet> children;
  std::map<source::Slot, bool> kept, dozing;
};

}  // namespace ballast::test

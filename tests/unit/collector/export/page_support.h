#pragma once

// A state made of rows, and pages of it.

#include <string>
#include <utility>
#include <vector>

#include "collector/export/exposition.h"
#include "collector/export/page.h"

namespace ballast::test {

inline model::EntityRow Row(std::uint32_t ref, model::EntityKind kind, std::uint32_t parent = 0) {
  return {model::EntityRef{ref}, kind, model::EntityRef{parent}, {}, {}};
}

inline model::EntityRow ContainerRow(std::uint32_t ref, const char* path,
                                     model::EntityKind kind = model::EntityKind::kContainer) {
  model::EntityRow row = Row(ref, kind);
  row.fields.SetText(model::Field::kPath, path);
  row.fields.Set(model::Field::kCgroupId, 1000ULL + ref);
  row.fields.Set(model::Field::kHierarchyId, 0);
  return row;
}

class StateOf {
 public:
  explicit StateOf(std::vector<model::EntityRow> rows, exposition::ExpositionOptions options = {})
      : exposition_(std::move(options)) {
    rows.insert(rows.begin(), Row(0, model::EntityKind::kHost));
    Apply(model::Key{std::move(rows), model::KnownFieldNames()});
  }
  void Apply(auto body, std::chrono::seconds after = {}) {
    header_.at += after;
    ++header_.sequence;
    const model::Record record{header_, std::move(body)};
    exposition_.Observe(state_, record);
    state_.Apply(record);
  }
  std::string Page(exposition::Format format = exposition::Format::kText,
                   const std::optional<exposition::Scope>& scope = std::nullopt) {
    return WholePage(exposition_.Take(state_, format, scope));
  }
  const exposition::Exposition& exposition() const { return exposition_; }

 private:
  model::RecordHeader header_{.host = "h",
                              .boot_id = "b",
                              .incarnation = 1,
                              .sequence = 0,
                              .at = std::chrono::seconds(100),
                              .wall_offset = std::chrono::seconds(1'700'000'000)};
  model::State state_;
  exposition::Exposition exposition_;
};

}  // namespace ballast::test

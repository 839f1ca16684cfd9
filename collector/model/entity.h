#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/model/field_set.h"

namespace ballast::model {

// Names one entity within one incarnation of a collector: 0 is the host, others
// are given in order of appearance and never reused, so a reference in an old
// event cannot come to mean somebody else.
enum class EntityRef : std::uint32_t {};
inline constexpr EntityRef kHostRef{0};

// Values are part of the record format; append only.
enum class EntityKind : std::uint8_t {
  kHost = 1,
  kContainer = 2,
  kVm = 3,
  kSlice = 4,      // a system slice, service or configured plain cgroup
  kDevice = 5,     // block device used by its parent
  kInterface = 6,  // network interface of its parent
  kVcpu = 7,
  kExit = 8,   // VM exits of its parent for one reason
  kBlame = 9,  // its parent waited for `holder`
  kTool = 10,  // tool calls of its parent, by program
  kLoss = 11,  // events lost, by map and reason
};

// Container, VM or slice: what limits can be set for.
constexpr bool IsWorkload(EntityKind kind) {
  return kind == EntityKind::kContainer || kind == EntityKind::kVm || kind == EntityKind::kSlice;
}
// "container"; "unknown" for a newer writer's kind.
std::string_view NameOf(EntityKind kind);

// Identity of one incarnation of a workload: kernfs ids carry a generation, so
// a directory made again under the same path has another one. Ids of different
// hierarchies collide (every root is 1), hence both.
struct WorkloadKey {
  std::uint64_t cgroup_id = 0;
  std::uint32_t hierarchy_id = 0;  // 0: cgroup2

  // clang-tidy 14 takes the generated comparison with 0 for a null pointer.
  friend auto operator<=>(const WorkloadKey&,
                          const WorkloadKey&) = default;  // NOLINT(modernize-use-nullptr)
};

// One entity in a record: all of it where `kind` is set (birth, key record),
// else only what changed.
struct EntityRow {
  EntityRef ref = kHostRef;
  std::optional<EntityKind> kind;
  std::optional<EntityRef> parent;  // with kind; absent: the host
  FieldSet fields;
  std::vector<Field> cleared;

  friend bool operator==(const EntityRow&, const EntityRow&) = default;
};

}  // namespace ballast::model

template <>
struct std::hash<ballast::model::WorkloadKey> {
  std::size_t operator()(const ballast::model::WorkloadKey& key) const noexcept {
    return std::hash<std::uint64_t>{}(key.cgroup_id * 0x9e3779b97f4a7c15ULL ^ key.hierarchy_id);
  }
};
template <>
struct std::hash<ballast::model::EntityRef> {
  std::size_t operator()(ballast::model::EntityRef ref) const noexcept {
    return static_cast<std::size_t>(ref);
  }
};

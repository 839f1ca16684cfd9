#pragma once

// Which control file holds which fields, cgroup2 and v1. A table; the source
// (cgroup_file_source.h) is the one that reads.

#include <span>
#include <string_view>

#include "collector/model/field.h"
#include "collector/model/field_set.h"

namespace ballast::source {

enum class Cadence {
  kEveryTick,
  kSlow,  // dear to read or slow to change; the last reading stands in between
  kUse,   // the same, and what it holds changes only if CPU time or memory is used
};

struct ControlFile {
  std::string_view controller;  // whose v1 hierarchy it lies in; empty: cgroup2
  std::string_view name;
  Cadence cadence;
  std::span<const model::Field> fields;  // what `parse` may set
  // Sets what the text holds, in the field table's units.
  void (*parse)(std::string_view text, model::FieldSet& out);
};

// In order of preference: where two files hold a field, the first that exists
// counts. v1 first: on a hybrid host a task may sit in the root of cgroup2
// while its v1 groups are deep, and v1 counts CPU in nanoseconds.
std::span<const ControlFile> ControlFiles();

}  // namespace ballast::source

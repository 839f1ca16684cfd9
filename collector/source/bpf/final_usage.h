#pragma once

// The CPU time of a workload in all its life, which the kernel side notes as
// its cgroup2 group is removed: nobody flushes the sums of a group that is gone.
// Not thread-safe; owned by the tick thread, outlived by KernelSide.

#include <optional>

#include "bpf/abi/slot_abi.h"
#include "collector/base/result.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/source.h"

namespace ballast::source {

class FinalUsage {
 public:
  static Result<FinalUsage> Open(const KernelSide& kernel);

  // For a slot's new owner.
  void Clear(Slot slot) { rows_[slot] = {}; }
  // Nothing: it lives, had no cgroup2 group of its own, or the kernel cannot say.
  std::optional<slt_final> Find(Slot slot) const {
    const slt_final row = rows_[slot];
    return row.usage_ns > 0 ? std::optional(row) : std::nullopt;
  }

 private:
  explicit FinalUsage(MappedArray<slt_final> rows) : rows_(std::move(rows)) {}

  MappedArray<slt_final> rows_;
};

}  // namespace ballast::source

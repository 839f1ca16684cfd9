#pragma once

// What reclaim costs each workload (bpf/memory.bpf.c). Not thread-safe; owned by
// the tick thread. KernelSide outlives it.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "bpf/abi/memory_abi.h"
#include "collector/base/result.h"
#include "collector/model/histogram.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

struct ReclaimTotals {
  model::Histogram wait;  // of the workload's own tasks
  std::uint64_t pages = 0;
};
using Reclaims = std::array<ReclaimTotals, MEM_KINDS>;  // by enum mem_reclaim

class MemorySource final : public Source {
 public:
  // `has_file_counts`: memory.stat says what was reclaimed from a workload,
  // whoever did it (cgroup2); else what its own tasks freed stands in.
  static Result<std::unique_ptr<MemorySource>> Open(const KernelSide& kernel, bool has_file_counts);

  std::string_view name() const override { return "bpf_memory"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot slot, model::FieldSet& last) override;
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;

 private:
  struct Workload {
    mem_row last{};  // as read; its counts modulo 2^32
    Reclaims reclaims;
  };
  MemorySource(MappedArray<mem_row> rows, bool has_file_counts);
  void Update(Slot slot, Workload& workload) const;
  void FillReclaims(const Workload& workload, model::FieldSet& fields) const;

  MappedArray<mem_row> rows_;
  bool has_file_counts_;
  std::uint64_t page_bytes_;
  SlotMap<Workload> tracked_;
};

}  // namespace ballast::source

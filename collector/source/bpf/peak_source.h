#pragma once

// How high each workload's CPU and memory use went inside the tick. After the
// walk, whose present and lifetime use of memory it completes. Not thread-safe;
// owned by the tick thread. KernelSide outlives it.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/base/result.h"
#include "collector/source/bpf/peaks.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

class PeakSource final : public Source {
 public:
  // `has_cpu`: the scheduler hook books, so the clock has something to read.
  PeakSource(Peaks peaks, bool has_cpu);

  std::string_view name() const override { return "bpf_peaks"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot slot, model::FieldSet& last) override;
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;

 private:
  struct Workload {
    std::uint64_t lifetime_bytes = 0;  // highest use of memory since birth
    std::uint64_t longest_ns = 0;      // CPU peak of the longest window, as last set
  };
  void FillCpu(const Peak& peak, Workload& workload, model::FieldSet& fields) const;
  void FillMemory(const Peak& peak, Workload& workload, model::FieldSet& fields) const;

  Peaks peaks_;
  bool has_cpu_;
  std::uint64_t page_bytes_;
  SlotMap<Workload> tracked_;
  // By slot: what was set last would not stand if it were kept. Bytes side by side:
  // of most workloads nothing else is looked at in most ticks.
  std::vector<std::uint8_t> is_fading_;
};

}  // namespace ballast::source

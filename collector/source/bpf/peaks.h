#pragma once

// How high the CPU and memory use of each workload went between two readings,
// from the kernel side's clock (bpf/clock.bpf.c, which says what windows are).
//
//   peaks.Restart(slot);             // when the slot gets a new workload
//   peaks.BeginReading();            // every tick: what the clock saw until here is over
//   const auto peak = peaks.Read(slot);
//
// Not thread-safe; owned by the tick thread. KernelSide outlives it.

#include <array>
#include <cstdint>
#include <vector>

#include "bpf/abi/clock_abi.h"
#include "bpf/abi/run_queue_abi.h"
#include "collector/base/result.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/source.h"

namespace ballast::source {

// Zero: nothing was used, or it slept for longer than the longest window.
struct Peak {
  std::array<std::uint64_t, CLK_WINDOWS> cpu_ns{};  // by enum clk_window
  std::uint64_t memory_pages = 0;
};

class Peaks {
 public:
  static Result<Peaks> Open(const KernelSide& kernel);

  void BeginReading();
  // Of the reading that the last BeginReading() ended.
  Peak Read(Slot slot) const;
  // Of the one that goes on: for a slot whose workload is gone.
  Peak ReadUnfinished(Slot slot) const;
  // Nothing that the slot's last owner used, or its memory, shows.
  void Restart(Slot slot);

  // Time that the clock has taken since it began, ns. BPF statistics do not see it.
  std::uint64_t ClockNs() const;

 private:
  Peak Of(Slot slot, std::uint64_t reading) const;
  Peaks(const KernelSide& kernel, MappedArray<clk_row> rows, MappedArray<const rql_row> booked);

  MappedArray<clk_row> rows_;
  MappedArray<const rql_row> booked_;
  const KernelSide* kernel_;
  std::uint64_t reading_ = 0;  // that is going on
};

}  // namespace ballast::source

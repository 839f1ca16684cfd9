#pragma once

// What each workload read, wrote and discarded on each block device, and how
// long its requests took, from the completion hook (bpf/block.bpf.c).
//
//   BALLAST_TRY(auto block, BlockIo::Open(kernel), "block");
//   block.Read(visit);           // each tick
//   block.Release(slot, visit);  // the workload is dead
//
// A pair of workload and device appears with its first completed request. Read
// at least every few hours: the kernel counts requests in 32 bits.
//
// Not thread-safe; owned by the tick thread. KernelSide outlives it.

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "bpf/abi/block_abi.h"
#include "collector/base/result.h"
#include "collector/model/histogram.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/source.h"

namespace ballast::source {

// Only rises while the row has its owner.
struct BlockTotals {
  struct Direction {
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;
    model::Histogram latency;  // from the request's making, its wait in a scheduler included
  };
  std::array<Direction, BLK_DIRECTIONS> directions{};  // by enum blk_direction
  std::uint64_t flushes = 0;
};

void Add(const BlockTotals& more, BlockTotals& to);

class BlockIo {
 public:
  // Requests of no cgroup at all, or of the hierarchy's root.
  static constexpr Slot kNobody = BLK_NOBODY;

  static Result<BlockIo> Open(const KernelSide& kernel);

  // Every known pair: `slot` may be kHostSlot (a cgroup in no tracked workload)
  // and kNobody. `device` is the kernel's number, major << 20 | minor. The
  // totals are valid during the call; `growth` is what came since the last one.
  using Visit = std::function<void(Slot slot, std::uint32_t device, const BlockTotals& totals,
                                   const BlockTotals& growth)>;
  void Read(const Visit& visit);
  // Visits the workload's pairs for the last time. Their rows get other owners,
  // from zero, after the second Read from now.
  void Release(Slot slot, const Visit& visit);

 private:
  struct Owned {
    std::uint32_t index = 0;
    blk_key owner{};
    blk_row last{};  // as of the last Read; its counts modulo 2^32
    BlockTotals totals;
  };
  BlockIo(const KernelSide& kernel, MappedArray<blk_row> rows);
  Result<> FreeAllRows();
  void FindClaimed();
  void FreeRested();
  BlockTotals Update(Owned& owned) const;

  const KernelSide* kernel_;
  MappedArray<blk_row> rows_;
  std::uint64_t claims_ = 0;  // of the kernel's count, those looked for
  std::vector<Owned> owned_;
  // Rows that lost their owner since the last Read, and before it: a completion
  // that was under way may still write for a moment.
  std::vector<std::uint32_t> released_, rested_;
};

}  // namespace ballast::source

#pragma once

// How long each workload's tasks waited for a CPU and how long they had one,
// exact, from the scheduler hook (bpf/run_queue.bpf.c).
//
//   run_queue.Restart(slot);              // when the slot gets a new workload
//   const auto& totals = run_queue.Read(slot);
//
// Read every slot at least every few hours: the kernel counts in 32 bits and
// Read extends them. A task on the CPU is booked when it leaves it, so a
// spinner alone on its CPU can be late by as long as it stays.
//
// Not thread-safe; owned by the tick strand. KernelSide outlives it.

#include <array>
#include <cstdint>
#include <vector>

#include "bpf/abi/run_queue_abi.h"
#include "collector/base/result.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/source.h"

namespace ballast::source {

// Bucket 0: under 1 us; i: [2^(i-1), 2^i) us; the last: all longer ones.
using WaitBuckets = std::array<std::uint64_t, RQL_BUCKETS>;

// Since Restart; only rises. All CPUs.
struct RunQueueTotals {
  WaitBuckets waits{};      // waits of a runnable task for a CPU
  WaitBuckets own_waits{};  // those that its own quota caused
  std::uint64_t wait_ns = 0;
  std::uint64_t own_wait_ns = 0;
  std::uint64_t ran_ns = 0;
  std::uint64_t switches = 0;
  std::array<std::uint64_t, RQL_TAKERS> preempted{};  // by enum rql_taker
};

class RunQueue {
 public:
  static Result<RunQueue> Open(const KernelSide& kernel);

  // Folds the CPUs. The reference stays valid and is renewed by the next Read.
  // Requires: slot in range (slot 0 is `other`).
  const RunQueueTotals& Read(Slot slot);
  // Totals of the slot begin at zero again: nothing of the last owner shows.
  void Restart(Slot slot);

  // A new tick begins: what runs from now on is active in it.
  void BeginTick();
  // Whether no task of it came to a CPU, or was on one, in the last tick and the
  // one before (a task that left as the tick began is seen in the next one).
  bool IsQuiet(Slot slot) const;

  // One CPU's raw row: for blame, which shares waits out per CPU.
  const rql_row& Row(Slot slot, std::uint32_t cpu) const;
  // Switch-outs into own throttling and reclaims at a memory limit, since Start.
  const rql_limit& Limits(Slot slot) const { return limits_[slot]; }
  std::uint32_t cpus() const { return cpus_; }

 private:
  // Sums over the CPUs at the last fold; counts modulo 2^32, as the rows are.
  struct Folded {
    std::array<std::uint32_t, RQL_BUCKETS> waits{};
    std::array<std::uint32_t, RQL_BUCKETS> own_waits{};
    std::array<std::uint32_t, RQL_TAKERS> preempted{};
    std::uint64_t wait_ns = 0, own_ns = 0, ran_ns = 0, switches = 0;
  };
  RunQueue(const KernelSide& kernel, MappedArray<const rql_row> rows,
           MappedArray<const rql_limit> limits, MappedArray<const std::uint64_t> active,
           MappedArray<const rql_cpu> on_cpu);
  Folded Fold(Slot slot) const;

  MappedArray<const rql_row> rows_;
  MappedArray<const rql_limit> limits_;
  MappedArray<const std::uint64_t> active_;  // by slot: the last tick it ran in
  MappedArray<const rql_cpu> on_cpu_;
  const KernelSide* kernel_;
  std::vector<std::uint64_t> seen_on_cpu_;  // by slot: the last tick that began with it on one
  std::uint32_t cpus_;
  std::vector<Folded> last_;
  std::vector<RunQueueTotals> totals_;
};

}  // namespace ballast::source

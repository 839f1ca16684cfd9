#pragma once

// Who held the CPU while a workload waited for it.
//
// Most waits the scheduler hook followed back over the workloads that had the CPU
// meanwhile (held_pairs.h): what it says is exact. The rest, waits behind more
// workloads than it follows and what waited on another CPU first, is shared out:
//
// In one tick and on one CPU, workload w waited W(w) and workload h ran R(h). On
// average n = (W(w) + R(w)) / sum of R tasks of w wanted the CPU while it was
// busy, one of which had it for R(w). So, whoever ran, of w there waited
//
//   n     while another h ran:   h is blamed for    n * R(h)
//   n - 1 while w itself ran:    w is blamed for (n - 1) * R(w), none below n = 1
//
// which is W(w) in all, and the rest in proportion; a single task never waits for
// itself. Summed over CPUs and ticks. Exact where the mix of who runs is the same
// throughout the tick; the kernel books waits when they end and runs when they
// end, so a slice across two ticks goes to the later one.
//
// A workload may be its own holder (its tasks wait for each other), and the host
// is: everything that is in no tracked workload. Pure. Not thread-safe.

#include <cstdint>
#include <span>
#include <vector>

#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

// On one CPU, since the last tick.
struct CpuShare {
  Slot slot = kHostSlot;
  std::uint64_t wait_ns = 0;
  std::uint64_t ran_ns = 0;
  std::uint64_t held_ns = 0;  // of wait_ns: told of by AddHeld()
};

class Blame {
 public:
  // Holders told for each waiter, the largest; twice as many more are followed.
  static constexpr std::size_t kHolders = 8;

  struct Held {
    Slot holder = kHostSlot;
    std::uint64_t ns = 0;  // only rises while the pair is followed
  };

  // `waiter` waited while `holder` had the CPU.
  void AddHeld(Slot waiter, Slot holder, std::uint64_t ns);
  // What happened on one CPU in one tick: the rest of its waits is shared out.
  void Add(std::span<const CpuShare> cpu);
  // The largest holders of a waiter, in order of their slots.
  std::vector<Held> Largest(Slot waiter) const;
  // Neither waits nor holds any more; its slot gets another owner.
  void Forget(Slot slot);

 private:
  struct Followed {
    Slot holder = kHostSlot;
    double ns = 0;
  };
  using Holders = std::vector<Followed>;  // in order of their slots
  static constexpr std::size_t kFollowed = 3 * kHolders;
  // `ran`: ns that all of `cpu` ran.
  static void ShareOut(const CpuShare& waiter, double ran, std::span<const CpuShare> cpu,
                       Holders& holders);

  SlotMap<Holders> waiters_;
};

}  // namespace ballast::source

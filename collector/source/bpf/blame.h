#pragma once

// Who held the CPU while a workload waited for it.
//
// In one tick and on one CPU, workload w waited W(w) and workload h ran R(h):
// then h is blamed for W(w) * R(h) / sum of R. Summed over CPUs and ticks. Exact
// where the mix of who runs is the same throughout the tick; the kernel books
// waits when they end and runs when they end, so a slice across two ticks goes
// to the later one.
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
};

class Blame {
 public:
  // Holders told for each waiter, the largest; twice as many more are followed.
  static constexpr std::size_t kHolders = 8;

  struct Held {
    Slot holder = kHostSlot;
    std::uint64_t ns = 0;  // only rises while the pair is followed
  };

  // What happened on one CPU in one tick.
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
  // `per_ns`: wait for each ns that somebody ran.
  static void ShareOut(double per_ns, std::span<const CpuShare> cpu, Holders& holders);

  SlotMap<Holders> waiters_;
};

}  // namespace ballast::source

#pragma once

// Who held a CPU while somebody waited for it, where the scheduler hook could
// follow the wait back (bpf/lib/blame.bpf.h).
//
//   pairs.ReadGrowth([&](Slot waiter, Slot holder, std::uint64_t ns) { ... });
//
// Read at every tick: a pair that is idle for two of them loses its place. What
// the hook could not follow is rql_row's wait_ns less its held_ns.
//
// Not thread-safe; owned by the tick thread. KernelSide outlives it.

#include <cstdint>
#include <vector>

#include "bpf/abi/blame_abi.h"
#include "collector/base/result.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/mapped.h"
#include "collector/source/source.h"

namespace ballast::source {

class HeldPairs {
 public:
  static Result<HeldPairs> Open(const KernelSide& kernel);

  // `grown(waiter, holder, ns)` for each pair of each CPU that rose since the
  // last reading.
  template <typename Grown>
  void ReadGrowth(Grown grown);

 private:
  static constexpr std::size_t kPairs = std::size_t{BLM_SETS} * BLM_WAYS;  // on one CPU

  explicit HeldPairs(MappedArray<const blm_cpu> cpus)
      : cpus_(std::move(cpus)), seen_ns_(cpus_.size() * kPairs) {}

  MappedArray<const blm_cpu> cpus_;
  std::vector<std::uint64_t> seen_ns_;
};

template <typename Grown>
void HeldPairs::ReadGrowth(Grown grown) {
  std::size_t place = 0;
  for (std::size_t cpu = 0; cpu < cpus_.size(); ++cpu)
    for (const blm_pair& pair : cpus_[cpu].pairs) {
      // Before its names: they change first where the place does.
      const std::uint64_t ns = pair.ns;
      std::uint64_t& seen_ns = seen_ns_[place++];
      if (ns == seen_ns) continue;
      grown(Slot{pair.waiter}, Slot{pair.holder}, ns - seen_ns);
      seen_ns = ns;
    }
}

}  // namespace ballast::source

#include "collector/source/bpf/held_pairs.h"

#include "bpf/ballast.skel.h"

namespace ballast::source {

Result<HeldPairs> HeldPairs::Open(const KernelSide& kernel) {
  BALLAST_TRY(
      auto cpus,
      MappedArray<const blm_cpu>::Open(bpf_map__fd(kernel.skeleton().maps.blm_cpus), kernel.cpus()),
      "blame");
  return HeldPairs(std::move(cpus));
}

}  // namespace ballast::source

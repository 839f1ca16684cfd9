#include "collector/source/bpf/final_usage.h"

#include <utility>

#include "bpf/ballast.skel.h"

namespace ballast::source {

Result<FinalUsage> FinalUsage::Open(const KernelSide& kernel) {
  BALLAST_TRY(auto rows,
              MappedArray<slt_final>::Open(bpf_map__fd(kernel.skeleton().maps.slt_finals),
                                           kernel.options().slots),
              "final usage");
  return FinalUsage(std::move(rows));
}

}  // namespace ballast::source

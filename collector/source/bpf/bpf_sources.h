#pragma once

// The kernel side as the pipeline's sources.
//
//   BALLAST_TRY(auto bpf, OpenBpfSources(ReadKernelFacts(), layout, {.slots = 1024}), "collector");
//   for (auto& source : bpf.sources) pipeline.Add(*source);
//
// In this order, which matters: bpf_events (slots, events, losses), bpf_walk,
// bpf_run_queue, bpf_blame, bpf_peaks, bpf_memory, bpf_block, bpf_kvm. What the kernel cannot run
// is left out; `choices` says what files must supply instead. Not thread-safe; owned by the tick
// thread.

#include <memory>
#include <vector>

#include "collector/base/result.h"
#include "collector/model/cgroup_layout.h"
#include "collector/source/bpf/decide_reads.h"
#include "collector/source/bpf/kernel_facts.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/source.h"

namespace ballast::source {

struct BpfSources {
  std::unique_ptr<KernelSide> kernel;  // outlives the sources: destroyed last
  std::vector<Choice> choices;
  std::vector<std::unique_ptr<Source>> sources;
};

// Whose groups are entered into the slot table: the walk's, and v1's blkio,
// which block requests are charged to.
std::vector<model::Hierarchy> TrackedHierarchies(const model::CgroupLayout& layout);

// Errors are whole sentences that say what to do (KernelSide::Start). Births
// and deaths are reported for the tracked hierarchies only, whatever
// options.hierarchy_mask says.
Result<BpfSources> OpenBpfSources(const KernelFacts& facts, const model::CgroupLayout& layout,
                                  KernelSideOptions options);

}  // namespace ballast::source

#include "collector/source/bpf/bpf_sources.h"

#include <algorithm>
#include <utility>

#include "collector/source/bpf/blame_source.h"
#include "collector/source/bpf/block_source.h"
#include "collector/source/bpf/event_source.h"
#include "collector/source/bpf/kvm_source.h"
#include "collector/source/bpf/memory_source.h"
#include "collector/source/bpf/peak_source.h"
#include "collector/source/bpf/run_queue_source.h"
#include "collector/source/bpf/walk_source.h"

namespace ballast::source {
namespace {

std::uint64_t MaskOf(const std::vector<model::Hierarchy>& hierarchies) {
  std::uint64_t mask = 0;
  for (const auto& hierarchy : hierarchies)
    if (hierarchy.id < 64) mask |= std::uint64_t{1} << hierarchy.id;
  return mask;
}

}  // namespace

std::vector<model::Hierarchy> TrackedHierarchies(const model::CgroupLayout& layout) {
  std::vector<model::Hierarchy> tracked = MeasuredHierarchies(layout);
  const model::Hierarchy* blkio = layout.FindV1("blkio");
  if (blkio != nullptr && std::ranges::count(tracked, *blkio) == 0) tracked.push_back(*blkio);
  return tracked;
}

Result<BpfSources> OpenBpfSources(const KernelFacts& facts, const model::CgroupLayout& layout,
                                  KernelSideOptions options) {
  const std::vector<model::Hierarchy> measured = MeasuredHierarchies(layout);
  const std::vector<model::Hierarchy> tracked = TrackedHierarchies(layout);
  options.hierarchy_mask = MaskOf(tracked);
  BpfSources bpf;
  auto kernel = KernelSide::Start(facts, options);
  if (!kernel) return std::move(kernel).error();  // a whole sentence already
  bpf.kernel = *std::move(kernel);
  bpf.choices = DecideReads(facts, bpf.kernel->programs());

  BALLAST_TRY(auto events, EventSource::Open(*bpf.kernel, tracked), "bpf_events");
  bpf.sources.push_back(std::move(events));
  if (bpf.kernel->IsAttached("wlk_on_cgroup")) {
    BALLAST_TRY(auto walk, CgroupWalk::Open(*bpf.kernel, measured), "bpf_walk");
    const bool has_fresh_usage = ChoiceOf(bpf.choices, "cpu usage").via == Via::kBpf;
    BALLAST_TRY(auto finals, FinalUsage::Open(*bpf.kernel), "bpf_walk");
    bpf.sources.push_back(
        std::make_unique<WalkSource>(std::move(walk), std::move(finals), has_fresh_usage));
  }
  if (bpf.kernel->IsAttached("rql_on_switch")) {
    BALLAST_TRY(auto run_queue, RunQueue::Open(*bpf.kernel), "bpf_run_queue");
    BALLAST_TRY(auto finals, FinalUsage::Open(*bpf.kernel), "bpf_run_queue");
    bpf.sources.push_back(
        std::make_unique<RunQueueSource>(std::move(run_queue), std::move(finals)));
    BALLAST_TRY(auto rows, RunQueue::Open(*bpf.kernel), "bpf_blame");
    BALLAST_TRY(auto pairs, HeldPairs::Open(*bpf.kernel), "bpf_blame");
    bpf.sources.push_back(std::make_unique<BlameSource>(std::move(rows), std::move(pairs)));
  }
  if (bpf.kernel->IsAttached("clk_start")) {
    BALLAST_TRY(auto peaks, Peaks::Open(*bpf.kernel), "bpf_peaks");
    bpf.sources.push_back(
        std::make_unique<PeakSource>(std::move(peaks), bpf.kernel->IsAttached("rql_on_switch")));
  }
  if (bpf.kernel->IsAttached("mem_on_reclaim")) {
    const bool has_file_counts = layout.FindV1("memory") == nullptr;
    BALLAST_TRY(auto memory, MemorySource::Open(*bpf.kernel, has_file_counts), "bpf_memory");
    bpf.sources.push_back(std::move(memory));
  }
  if (bpf.kernel->IsAttached("blk_on_complete")) {
    BALLAST_TRY(auto block, BlockIo::Open(*bpf.kernel), "bpf_block");
    bpf.sources.push_back(std::make_unique<BlockSource>(std::move(block)));
  }
  // Attached or not: KVM may be loaded later.
  static const SystemClock clock;
  bpf.sources.push_back(std::make_unique<KvmSource>(*bpf.kernel, clock));
  return bpf;
}

}  // namespace ballast::source

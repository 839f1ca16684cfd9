#pragma once

// CPU, bandwidth, memory and pressure of every tracked workload, from the walk.
// Not thread-safe; owned by the tick thread.

#include <string_view>
#include <vector>

#include "collector/source/bpf/cpu_split.h"
#include "collector/source/bpf/final_usage.h"
#include "collector/source/bpf/walk.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

class WalkSource final : public Source {
 public:
  // `has_fresh_usage`: cgroup2's CPU sums are flushed by the walk; else they are
  // left to the files.
  WalkSource(CgroupWalk walk, FinalUsage finals, bool has_fresh_usage)
      : walk_(std::move(walk)), finals_(std::move(finals)), has_fresh_usage_(has_fresh_usage) {}

  std::string_view name() const override { return "bpf_walk"; }
  // After the slot table's source (bpf_events), which says whose a group is.
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot slot, model::FieldSet& last) override;
  void Untrack(Slot slot) override;
  // Keeps those that doze and are as they were.
  Result<> Collect(Sample& sample) override;

 private:
  struct Workload {
    CpuSplit split;
    std::uint64_t fingerprint = 0;  // of what the walk read last
  };
  bool IsUnchanged(Slot slot);
  void Fill(Slot slot, Sample& sample);

  CgroupWalk walk_;
  FinalUsage finals_;
  bool has_fresh_usage_;
  SlotMap<Workload> tracked_;
  std::vector<Slot> wanted_, dozing_;  // of this tick; kept for their memory
  std::uint64_t cgroups_ = 0;          // visited since start
  std::uint64_t spent_ns_ = 0;
};

}  // namespace ballast::source

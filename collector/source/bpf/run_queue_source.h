#pragma once

// Run-queue wait, own throttling and CPU time of every tracked workload, from
// the scheduler hook; and what a workload used after its last walk.
// Not thread-safe; owned by the tick thread.

#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/source/bpf/final_usage.h"
#include "collector/source/bpf/run_queue.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

class RunQueueSource final : public Source {
 public:
  RunQueueSource(RunQueue run_queue, FinalUsage finals)
      : run_queue_(std::move(run_queue)), finals_(std::move(finals)) {}

  std::string_view name() const override { return "bpf_run_queue"; }
  Result<> Track(const Tracked& workload) override;
  // Sets the hook's own final sums, and raises kCpuUsageNs to them where the
  // kernel did not note it.
  void ReadFinal(Slot slot, model::FieldSet& last) override;
  void Untrack(Slot slot) override;
  // All that no task of ran in. In one tick of kQuietEvery they doze: memory can be
  // reclaimed and limits changed while everything in it sleeps. In one of kWholeEvery
  // they are measured, whatever the walk sees.
  void KeepQuiet(Sample& sample) override;
  // After the source of kCpuUsageNs, which it compares with.
  Result<> Collect(Sample& sample) override;

 private:
  static constexpr std::uint64_t kQuietEvery = 10, kWholeEvery = 100;

  // What the workload had used when the hook began to book for it: the least
  // difference seen. Time on the CPU is booked at switch-out, so the difference
  // is too large while a task runs, and never too small.
  struct Workload {
    std::optional<std::uint64_t> usage_before_ns;
  };
  void Fill(Slot slot, model::FieldSet& fields);

  RunQueue run_queue_;
  FinalUsage finals_;
  SlotMap<Workload> tracked_;
  std::uint64_t tick_ = 0;
};

}  // namespace ballast::source

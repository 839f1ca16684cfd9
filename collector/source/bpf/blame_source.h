#pragma once

// Blame of every tracked workload, from the scheduler hook's rows and pairs: a
// child of the waiter for each of its largest holders. Not thread-safe; owned by the tick
// thread.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/source/bpf/blame.h"
#include "collector/source/bpf/held_pairs.h"
#include "collector/source/bpf/run_queue.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

class BlameSource final : public Source {
 public:
  BlameSource(RunQueue run_queue, HeldPairs pairs);

  std::string_view name() const override { return "bpf_blame"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot, model::FieldSet&) override {}
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;

 private:
  // Ticks: every pair is a row of the record, and all of them change all the
  // time. What lives less than that long is told of in each.
  static constexpr std::uint64_t kTellEvery = 10;

  struct Seen {
    std::uint64_t wait_ns = 0, ran_ns = 0, held_ns = 0;
  };
  struct Workload {
    model::EntityRef ref = model::kHostRef;
    std::vector<Seen> seen;  // by CPU
    std::uint64_t told = 0;  // times, up to kTellEvery
  };
  void TakePairs();
  CpuShare Grown(Slot slot, std::uint32_t cpu, Workload& workload) const;
  void Tell(Slot slot, Sample& sample) const;

  RunQueue run_queue_;
  HeldPairs pairs_;
  Blame blame_;
  SlotMap<Workload> workloads_;  // the host too
  std::vector<Slot> active_;     // of this tick; kept for its memory
  std::vector<CpuShare> shares_;
  std::uint64_t tick_ = 0;
  bool has_left_ = false;  // somebody, since the pairs were read
};

}  // namespace ballast::source

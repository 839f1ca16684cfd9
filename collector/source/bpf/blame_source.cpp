#include "collector/source/bpf/blame_source.h"

#include <string>

#include "collector/model/field.h"

namespace ballast::source {

using model::Field;

BlameSource::BlameSource(RunQueue run_queue, HeldPairs pairs)
    : run_queue_(std::move(run_queue)), pairs_(std::move(pairs)) {
  static_cast<void>(Track({.slot = kHostSlot, .key = {}, .directories = {}}));
}

// What the slot's last owner waited, held and ran is not the new one's.
Result<> BlameSource::Track(const Tracked& workload) {
  if (has_left_ && workloads_.Find(workload.slot) == nullptr) TakePairs();
  const auto [added, is_new] = workloads_.Add(workload.slot);
  if (!is_new) return Ok();
  added.ref = workload.ref;
  added.seen.resize(run_queue_.cpus());
  for (std::uint32_t cpu = 0; cpu < run_queue_.cpus(); ++cpu) Grown(workload.slot, cpu, added);
  return Ok();
}

void BlameSource::Untrack(Slot slot) {
  workloads_.Erase(slot);
  blame_.Forget(slot);
  has_left_ = true;
}

void BlameSource::TakePairs() {
  pairs_.ReadGrowth([this](Slot waiter, Slot holder, std::uint64_t ns) {
    if (workloads_.Find(waiter) != nullptr && workloads_.Find(holder) != nullptr)
      blame_.AddHeld(waiter, holder, ns);
  });
  has_left_ = false;
}

CpuShare BlameSource::Grown(Slot slot, std::uint32_t cpu, Workload& workload) const {
  const rql_row& row = run_queue_.Row(slot, cpu);
  const Seen now{row.wait_ns, row.ran_ns, row.held_ns};
  const Seen before = std::exchange(workload.seen[cpu], now);
  return {slot, now.wait_ns - before.wait_ns, now.ran_ns - before.ran_ns,
          now.held_ns - before.held_ns};
}

Result<> BlameSource::Collect(Sample& sample) {
  // Whoever is kept neither ran nor waited: its rows are as they were.
  active_.clear();
  for (const Slot slot : workloads_.slots())
    if (!sample.IsKept(slot)) active_.push_back(slot);
  for (std::uint32_t cpu = 0; cpu < run_queue_.cpus(); ++cpu) {
    shares_.clear();
    for (const Slot slot : active_) {
      const CpuShare share = Grown(slot, cpu, workloads_.At(slot));
      if (share.wait_ns != 0 || share.ran_ns != 0) shares_.push_back(share);
    }
    blame_.Add(shares_);
  }
  TakePairs();
  ++tick_;
  for (const Slot slot : active_) {
    if (slot == kHostSlot) continue;
    Workload& workload = workloads_.At(slot);
    const bool is_young = workload.told < kTellEvery;
    if (!is_young && (tick_ + slot) % kTellEvery != 0) {
      sample.KeepChildren(slot, model::EntityKind::kBlame);
      continue;
    }
    Tell(slot, sample);
    if (is_young) ++workload.told;
  }
  return Ok();
}

void BlameSource::Tell(Slot slot, Sample& sample) const {
  for (const Blame::Held& held : blame_.Largest(slot)) {
    const Workload* holder = workloads_.Find(held.holder);
    if (holder == nullptr) continue;
    const auto ref = static_cast<std::uint32_t>(holder->ref);
    model::FieldSet& fields =
        sample.Child(slot, model::EntityKind::kBlame, "holder " + std::to_string(ref));
    fields.Set(Field::kHolder, std::uint64_t{ref});
    fields.Set(Field::kBlameWaitNs, held.ns);
  }
}

}  // namespace ballast::source

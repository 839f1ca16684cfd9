#include "collector/source/bpf/blame_source.h"

#include <string>

#include "collector/model/field.h"

namespace ballast::source {

using model::Field;

BlameSource::BlameSource(RunQueue run_queue) : run_queue_(std::move(run_queue)) {
  static_cast<void>(Track({.slot = kHostSlot, .key = {}, .directories = {}}));
}

// What the slot's last owner waited and ran is not the new one's.
Result<> BlameSource::Track(const Tracked& workload) {
  const auto [added, is_new] = workloads_.try_emplace(workload.slot);
  if (!is_new) return Ok();
  added->second.ref = workload.ref;
  added->second.seen.resize(run_queue_.cpus());
  for (std::uint32_t cpu = 0; cpu < run_queue_.cpus(); ++cpu)
    Grown(workload.slot, cpu, added->second);
  return Ok();
}

void BlameSource::Untrack(Slot slot) {
  workloads_.erase(slot);
  blame_.Forget(slot);
}

CpuShare BlameSource::Grown(Slot slot, std::uint32_t cpu, Workload& workload) const {
  const rql_row& row = run_queue_.Row(slot, cpu);
  const Seen now{row.wait_ns, row.ran_ns};
  const Seen before = std::exchange(workload.seen[cpu], now);
  return {slot, now.wait_ns - before.wait_ns, now.ran_ns - before.ran_ns};
}

Result<> BlameSource::Collect(Sample& sample) {
  for (std::uint32_t cpu = 0; cpu < run_queue_.cpus(); ++cpu) {
    shares_.clear();
    for (auto& [slot, workload] : workloads_) {
      const CpuShare share = Grown(slot, cpu, workload);
      if (share.wait_ns != 0 || share.ran_ns != 0) shares_.push_back(share);
    }
    blame_.Add(shares_);
  }
  for (auto& [slot, workload] : workloads_) {
    if (slot == kHostSlot) continue;
    if (sample.IsKept(slot))
      sample.KeepChildren(slot, model::EntityKind::kBlame);
    else
      Tell(slot, sample);
  }
  return Ok();
}

void BlameSource::Tell(Slot slot, Sample& sample) const {
  for (const Blame::Held& held : blame_.Largest(slot)) {
    const auto holder = workloads_.find(held.holder);
    if (holder == workloads_.end()) continue;
    const auto ref = static_cast<std::uint32_t>(holder->second.ref);
    model::FieldSet& fields =
        sample.Child(slot, model::EntityKind::kBlame, "holder " + std::to_string(ref));
    fields.Set(Field::kHolder, std::uint64_t{ref});
    fields.Set(Field::kBlameWaitNs, held.ns);
  }
}

}  // namespace ballast::source

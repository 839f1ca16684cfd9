#include "collector/source/bpf/run_queue_source.h"

#include <algorithm>

#include "collector/model/field.h"
#include "collector/model/histogram.h"

namespace ballast::source {

using model::Field;

static_assert(model::Histogram::kBuckets == RQL_BUCKETS, "the kernel's buckets are the record's");

namespace {

model::Histogram ToHistogram(const WaitBuckets& buckets, std::uint64_t sum_ns) {
  return {.counts = buckets, .sum_ns = sum_ns};
}

}  // namespace

Result<> RunQueueSource::Track(const Tracked& workload) {
  // Again for a workload whose directories changed, as they do one by one at its
  // end: its counters go on.
  if (tracked_.Add(workload.slot).second) run_queue_.Restart(workload.slot);
  return Ok();
}

void RunQueueSource::Untrack(Slot slot) {
  tracked_.Erase(slot);
}

void RunQueueSource::Fill(Slot slot, model::FieldSet& fields) {
  const RunQueueTotals& totals = run_queue_.Read(slot);
  fields.SetHistogram(Field::kRunQueueWait, ToHistogram(totals.waits, totals.wait_ns));
  fields.SetHistogram(Field::kOwnThrottleWait, ToHistogram(totals.own_waits, totals.own_wait_ns));
  fields.Set(Field::kCpuRanNs, totals.ran_ns);
  fields.Set(Field::kPreemptedBySelf, totals.preempted[RQL_BY_SELF]);
  fields.Set(Field::kPreemptedByOther, totals.preempted[RQL_BY_OTHER]);
  fields.Set(Field::kPreemptedBySystem, totals.preempted[RQL_BY_SYSTEM]);
}

void RunQueueSource::KeepQuiet(Sample& sample) {
  ++tick_;
  run_queue_.BeginTick();
  for (const Slot slot : tracked_.slots()) {
    const std::uint64_t turn = tick_ + slot;
    if (turn % kWholeEvery == 0 || !run_queue_.IsQuiet(slot)) continue;
    if (turn % kQuietEvery != 0)
      sample.Keep(slot);
    else
      sample.Doze(slot);
  }
}

Result<> RunQueueSource::Collect(Sample& sample) {
  for (const Slot slot : tracked_.slots()) {
    if (sample.IsKept(slot)) continue;
    Workload& workload = tracked_.At(slot);
    model::FieldSet& fields = sample.Of(slot);
    Fill(slot, fields);
    const auto usage = fields.Get(Field::kCpuUsageNs);
    if (!usage) continue;
    const std::uint64_t ran = std::min(*usage, *fields.Get(Field::kCpuRanNs));
    workload.usage_before_ns = std::min(workload.usage_before_ns.value_or(*usage), *usage - ran);
  }
  return Ok();
}

void RunQueueSource::ReadFinal(Slot slot, model::FieldSet& last) {
  const Workload* workload = tracked_.Find(slot);
  if (workload == nullptr) return;
  Fill(slot, last);
  if (finals_.Find(slot)) return;
  // Born and dead between two ticks: nothing was used before the hook saw it.
  const std::uint64_t used = workload->usage_before_ns.value_or(0) + *last.Get(Field::kCpuRanNs);
  last.Set(Field::kCpuUsageNs, std::max(last.Get(Field::kCpuUsageNs).value_or(0), used));
}

}  // namespace ballast::source

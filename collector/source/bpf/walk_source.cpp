#include "collector/source/bpf/walk_source.h"

#include <utility>

#include "collector/model/field.h"

namespace ballast::source {
namespace {

using model::Field;
using Optional = std::optional<std::uint64_t>;

Optional Sum(Optional a, Optional b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

void FillBandwidth(const WalkTotals& totals, model::FieldSet& fields) {
  fields.Set(Field::kCpuPeriods, totals.nr_periods);
  fields.Set(Field::kCpuThrottledPeriods, totals.nr_throttled);
  fields.Set(Field::kCpuThrottledNs, totals.throttled_ns);
  fields.Set(Field::kCpuQuotaNs, totals.quota_ns);
  fields.Set(Field::kCpuPeriodNs, totals.period_ns);
  fields.Set(Field::kCpuBurstLimitNs, totals.burst_ns);
  fields.Set(Field::kCpuBurstPeriods, totals.nr_bursts);
  fields.Set(Field::kCpuBurstNs, totals.burst_used_ns);
  fields.Set(Field::kCpuWeight, totals.cpu_weight);
}

void FillMemory(const WalkTotals& totals, model::FieldSet& fields) {
  fields.Set(Field::kMemoryUsageBytes, totals.memory_bytes);
  fields.Set(Field::kMemoryMaxBytes, totals.memory_max_bytes);
  fields.Set(Field::kMemoryHighBytes, totals.memory_high_bytes);
  fields.Set(Field::kMemoryLowBytes, totals.memory_low_bytes);
  fields.Set(Field::kMemoryMinBytes, totals.memory_min_bytes);
  fields.Set(Field::kMemoryLifetimePeakBytes, totals.memory_peak_bytes);
  fields.Set(Field::kSwapUsageBytes, totals.swap_bytes);
  fields.Set(Field::kSwapMaxBytes, totals.swap_max_bytes);
  fields.Set(Field::kMemoryLowEvents, totals.low_events);
  fields.Set(Field::kMemoryHighEvents, totals.high_events);
  // v1 counts refused charges in failcnt and has no event of that name.
  fields.Set(Field::kMemoryMaxEvents,
             totals.limit_failures ? totals.limit_failures : totals.max_events);
  fields.Set(Field::kMemoryKernelBytes, totals.kernel_bytes);
  fields.Set(Field::kMemoryOomEvents, totals.oom_events);
  fields.Set(Field::kOomKills, totals.oom_kills);
  if (totals.under_oom) fields.Set(Field::kMemoryUnderOom, std::uint64_t{*totals.under_oom});
  // The anonymous lists also hold tmpfs and shared memory, unlike memory.stat's anon.
  fields.Set(Field::kMemoryAnonBytes, Sum(totals.active_anon_bytes, totals.inactive_anon_bytes));
  fields.Set(Field::kMemoryFileBytes, Sum(totals.active_file_bytes, totals.inactive_file_bytes));
  fields.Set(Field::kMemoryInactiveFileBytes, totals.inactive_file_bytes);
  fields.Set(Field::kMemoryActiveFileBytes, totals.active_file_bytes);
  fields.Set(Field::kMemoryUnevictableBytes, totals.unevictable_bytes);
}

void FillPressure(const WalkTotals& totals, model::FieldSet& fields) {
  fields.Set(Field::kPressureCpuSomeNs, totals.cpu_some_ns);
  fields.Set(Field::kPressureCpuFullNs, totals.cpu_full_ns);
  fields.Set(Field::kPressureMemorySomeNs, totals.memory_some_ns);
  fields.Set(Field::kPressureMemoryFullNs, totals.memory_full_ns);
  fields.Set(Field::kPressureIoSomeNs, totals.io_some_ns);
  fields.Set(Field::kPressureIoFullNs, totals.io_full_ns);
}

void FillCpu(CpuSplit& split, std::uint64_t usage_ns, std::uint64_t user_ns,
             std::uint64_t system_ns, model::FieldSet& fields) {
  split.Update(usage_ns, user_ns, system_ns);
  fields.Set(Field::kCpuUsageNs, usage_ns);
  fields.Set(Field::kCpuUserNs, split.user_ns());
  fields.Set(Field::kCpuSystemNs, split.system_ns());
}

}  // namespace

Result<> WalkSource::Track(const Tracked& workload) {
  // Again for a workload whose directories changed: its counters go on.
  if (tracked_.Add(workload.slot).second) finals_.Clear(workload.slot);
  walk_.Track(workload.slot, workload.directories);
  return Ok();
}

void WalkSource::ReadFinal(Slot slot, model::FieldSet& last) {
  Workload* workload = tracked_.Find(slot);
  const auto usage = finals_.Find(slot);
  if (workload == nullptr || !usage) return;  // then it is the run queue's to tell
  FillCpu(workload->split, usage->usage_ns, usage->user_ns, usage->system_ns, last);
}

void WalkSource::Untrack(Slot slot) {
  walk_.Untrack(slot);
  tracked_.Erase(slot);
}

bool WalkSource::IsUnchanged(Slot slot) {
  const std::uint64_t now = walk_.Fingerprint(slot);
  return std::exchange(tracked_.At(slot).fingerprint, now) == now && now != 0;
}

void WalkSource::Fill(Slot slot, Sample& sample) {
  const auto totals = walk_.Find(slot);
  if (!totals) return;  // removed, and its event is on the way
  model::FieldSet& fields = sample.Of(slot);
  if (has_fresh_usage_ && totals->usage_ns)
    FillCpu(tracked_.At(slot).split, *totals->usage_ns, totals->user_ns.value_or(0),
            totals->system_ns.value_or(0), fields);
  FillBandwidth(*totals, fields);
  FillMemory(*totals, fields);
  FillPressure(*totals, fields);
}

Result<> WalkSource::Collect(Sample& sample) {
  wanted_.clear();
  dozing_.clear();
  for (const Slot slot : tracked_.slots())
    if (!sample.IsKept(slot)) (sample.IsDozing(slot) ? dozing_ : wanted_).push_back(slot);
  BALLAST_TRY(const WalkCost cost, walk_.RunOnly(wanted_, dozing_), "bpf_walk");
  for (const Slot slot : wanted_) {
    static_cast<void>(IsUnchanged(slot));
    Fill(slot, sample);
  }
  for (const Slot slot : dozing_) {
    if (IsUnchanged(slot)) sample.Keep(slot);
    // Not heeded after an event.
    if (!sample.IsKept(slot)) Fill(slot, sample);
  }
  cgroups_ += cost.cgroups;
  spent_ns_ += static_cast<std::uint64_t>(cost.spent.count());
  model::FieldSet& host = sample.Of(kHostSlot);
  host.Set(Field::kCgroupsWalked, cgroups_);
  host.Set(Field::kWalkNs, spent_ns_);
  return Ok();
}

}  // namespace ballast::source

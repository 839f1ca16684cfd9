#include "collector/source/bpf/peak_source.h"

#include <unistd.h>

#include <algorithm>

#include "collector/model/field.h"

namespace ballast::source {

using model::Field;

PeakSource::PeakSource(Peaks peaks, bool has_cpu)
    : peaks_(std::move(peaks)),
      has_cpu_(has_cpu),
      page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

Result<> PeakSource::Track(const Tracked& workload) {
  if (tracked_.try_emplace(workload.slot).second) peaks_.Restart(workload.slot);
  return Ok();
}

void PeakSource::Untrack(Slot slot) {
  tracked_.erase(slot);
}

void PeakSource::FillCpu(const Peak& peak, Workload& workload, model::FieldSet& fields) const {
  if (!has_cpu_) return;
  workload.longest_ns = peak.cpu_ns[CLK_1S];
  fields.Set(Field::kCpuPeak10msNs, peak.cpu_ns[CLK_10MS]);
  fields.Set(Field::kCpuPeak100msNs, peak.cpu_ns[CLK_100MS]);
  fields.Set(Field::kCpuPeak1sNs, peak.cpu_ns[CLK_1S]);
}

// A lifetime maximum that rose did so inside this tick: then it is exact.
void PeakSource::FillMemory(const Peak& peak, Workload& workload, model::FieldSet& fields) const {
  const auto usage = fields.Get(Field::kMemoryUsageBytes);
  if (!usage) return;
  const std::uint64_t lifetime = fields.Get(Field::kMemoryLifetimePeakBytes).value_or(0);
  const bool rose = workload.lifetime_bytes != 0 && lifetime > workload.lifetime_bytes;
  workload.lifetime_bytes = std::max(workload.lifetime_bytes, lifetime);
  workload.tick_bytes =
      std::max({*usage, peak.memory_pages * page_bytes_, rose ? lifetime : std::uint64_t{0}});
  fields.Set(Field::kMemoryTickPeakBytes, workload.tick_bytes);
}

Result<> PeakSource::Collect(Sample& sample) {
  peaks_.BeginReading();
  for (auto& [slot, workload] : tracked_) {
    // Nothing of it ran: its windows fade and its memory stands as it is; then
    // what was set last is right.
    if (sample.IsKept(slot) && workload.longest_ns == 0 && workload.tick_bytes == 0) continue;
    model::FieldSet& fields = sample.Of(slot);
    const Peak peak = peaks_.Read(slot);
    FillCpu(peak, workload, fields);
    FillMemory(peak, workload, fields);
    if (sample.IsKept(slot)) workload.tick_bytes = 0;
  }
  return Ok();
}

// Born and dead between two ticks: this is all that is ever said of it.
void PeakSource::ReadFinal(Slot slot, model::FieldSet& last) {
  const auto found = tracked_.find(slot);
  if (found == tracked_.end()) return;
  const Peak peak = peaks_.ReadUnfinished(slot);
  FillCpu(peak, found->second, last);
  FillMemory(peak, found->second, last);
}

}  // namespace ballast::source

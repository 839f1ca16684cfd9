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
  if (!tracked_.Add(workload.slot).second) return Ok();
  peaks_.Restart(workload.slot);
  if (workload.slot >= is_fading_.size()) is_fading_.resize(std::size_t{workload.slot} + 1);
  is_fading_[workload.slot] = 0;
  return Ok();
}

void PeakSource::Untrack(Slot slot) {
  tracked_.Erase(slot);
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
  fields.Set(Field::kMemoryTickPeakBytes, std::max({*usage, peak.memory_pages * page_bytes_,
                                                    rose ? lifetime : std::uint64_t{0}}));
}

Result<> PeakSource::Collect(Sample& sample) {
  peaks_.BeginReading();
  for (const Slot slot : tracked_.slots()) {
    // Nothing of it ran: its windows fade and its memory stands as it is; then
    // what was set last is right.
    const bool is_kept = sample.IsKept(slot);
    if (is_kept && is_fading_[slot] == 0) continue;
    Workload& workload = tracked_.At(slot);
    model::FieldSet& fields = sample.Of(slot);
    const Peak peak = peaks_.Read(slot);
    FillCpu(peak, workload, fields);
    FillMemory(peak, workload, fields);
    is_fading_[slot] = !is_kept || workload.longest_ns != 0;
  }
  return Ok();
}

// Born and dead between two ticks: this is all that is ever said of it.
void PeakSource::ReadFinal(Slot slot, model::FieldSet& last) {
  Workload* workload = tracked_.Find(slot);
  if (workload == nullptr) return;
  const Peak peak = peaks_.ReadUnfinished(slot);
  FillCpu(peak, *workload, last);
  FillMemory(peak, *workload, last);
}

}  // namespace ballast::source

#include "collector/source/bpf/memory_source.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "bpf/ballast.skel.h"
#include "collector/model/field.h"

namespace ballast::source {

using model::Field;

static_assert(model::Histogram::kBuckets == MEM_BUCKETS, "the kernel's buckets are the record's");

Result<std::unique_ptr<MemorySource>> MemorySource::Open(const KernelSide& kernel,
                                                         bool has_file_counts) {
  const auto& maps = kernel.skeleton().maps;
  const std::uint32_t slots = kernel.options().slots;
  BALLAST_TRY(auto rows, MappedArray<mem_row>::Open(bpf_map__fd(maps.mem_rows), slots), "memory");
  BALLAST_TRY(auto peaks, MappedArray<mem_peak>::Open(bpf_map__fd(maps.mem_peaks), slots),
              "memory");
  return std::unique_ptr<MemorySource>(
      new MemorySource(kernel, std::move(rows), std::move(peaks), has_file_counts));
}

MemorySource::MemorySource(const KernelSide& kernel, MappedArray<mem_row> rows,
                           MappedArray<mem_peak> peaks, bool has_file_counts)
    : kernel_(&kernel),
      rows_(std::move(rows)),
      peaks_(std::move(peaks)),
      has_file_counts_(has_file_counts),
      page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

// Nothing of the slot's last owner shows: its rows as they are now are zero.
Result<> MemorySource::Track(const Tracked& workload) {
  const auto [added, is_new] = tracked_.Add(workload.slot);
  if (is_new) added.last = rows_[workload.slot];
  return Ok();
}

void MemorySource::Untrack(Slot slot) {
  tracked_.Erase(slot);
}

void MemorySource::Update(Slot slot, Workload& workload) const {
  const mem_row now = rows_[slot];
  for (std::size_t kind = 0; kind < MEM_KINDS; ++kind) {
    ReclaimTotals& totals = workload.reclaims[kind];
    for (std::size_t i = 0; i < MEM_BUCKETS; ++i) {
      // Modulo 2^32: right across a wrap.
      totals.wait.counts[i] +=
          static_cast<std::uint32_t>(now.waits[kind][i] - workload.last.waits[kind][i]);
    }
    totals.wait.sum_ns += now.wait_ns[kind] - workload.last.wait_ns[kind];
    totals.pages += now.pages[kind] - workload.last.pages[kind];
  }
  workload.last = now;
}

void MemorySource::FillReclaims(const Workload& workload, model::FieldSet& fields) const {
  const ReclaimTotals& direct = workload.reclaims[MEM_DIRECT];
  const ReclaimTotals& memcg = workload.reclaims[MEM_MEMCG];
  fields.SetHistogram(Field::kReclaimDirectWait, direct.wait);
  fields.SetHistogram(Field::kReclaimMemcgWait, memcg.wait);
  if (!has_file_counts_) fields.Set(Field::kMemoryReclaimedBytes, memcg.pages * page_bytes_);
}

std::uint64_t MemorySource::SampledPeakBytes(Slot slot) const {
  const mem_peak& peak = peaks_[slot];
  return peak.window == window_ ? peak.pages * page_bytes_ : 0;
}

// A lifetime maximum that rose did so inside this tick: then it is exact.
void MemorySource::FillPeak(Slot slot, Workload& workload, model::FieldSet& fields) const {
  const auto usage = fields.Get(Field::kMemoryUsageBytes);
  if (!usage) return;
  const std::uint64_t lifetime = fields.Get(Field::kMemoryLifetimePeakBytes).value_or(0);
  const bool rose = workload.lifetime_peak_bytes != 0 && lifetime > workload.lifetime_peak_bytes;
  workload.lifetime_peak_bytes = std::max(workload.lifetime_peak_bytes, lifetime);
  workload.tick_peak_bytes =
      std::max({*usage, SampledPeakBytes(slot), rose ? lifetime : std::uint64_t{0}});
  fields.Set(Field::kMemoryTickPeakBytes, workload.tick_peak_bytes);
}

Result<> MemorySource::Collect(Sample& sample) {
  for (const Slot slot : measured_)
    if (const Workload* workload = tracked_.Find(slot);
        workload != nullptr && sample.IsKept(slot) && workload->tick_peak_bytes != 0) {
      // Nothing of it ran: the peak of the tick before is over, the use stands.
      model::FieldSet& fields = sample.Of(slot);
      fields.Set(Field::kMemoryTickPeakBytes, fields.Get(Field::kMemoryUsageBytes));
    }
  measured_.clear();
  for (const Slot slot : tracked_.slots()) {
    if (sample.IsKept(slot)) continue;
    measured_.push_back(slot);
    Workload& workload = tracked_.At(slot);
    model::FieldSet& fields = sample.Of(slot);
    Update(slot, workload);
    FillReclaims(workload, fields);
    FillPeak(slot, workload, fields);
  }
  ++window_;
  std::atomic_ref(kernel_->skeleton().bss->mem_window).store(window_, std::memory_order_relaxed);
  return Ok();
}

void MemorySource::ReadFinal(Slot slot, model::FieldSet& last) {
  Workload* workload = tracked_.Find(slot);
  if (workload == nullptr) return;
  Update(slot, *workload);
  FillReclaims(*workload, last);
}

}  // namespace ballast::source

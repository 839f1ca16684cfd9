#include "collector/source/bpf/peaks.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "bpf/ballast.skel.h"

namespace ballast::source {

Result<Peaks> Peaks::Open(const KernelSide& kernel) {
  const auto& maps = kernel.skeleton().maps;
  const std::uint32_t slots = kernel.options().slots;
  BALLAST_TRY(auto rows, MappedArray<clk_row>::Open(bpf_map__fd(maps.clk_rows), slots), "peaks");
  BALLAST_TRY(auto booked,
              MappedArray<const rql_row>::Open(bpf_map__fd(maps.rql_rows),
                                               std::size_t{slots} * kernel.cpus()),
              "peaks");
  return Peaks(kernel, std::move(rows), std::move(booked));
}

Peaks::Peaks(const KernelSide& kernel, MappedArray<clk_row> rows, MappedArray<const rql_row> booked)
    : rows_(std::move(rows)), booked_(std::move(booked)), kernel_(&kernel) {}

// The clock goes on in the other half at once: nothing is lost between reading
// and beginning anew, however many slots are read.
void Peaks::BeginReading() {
  ++reading_;
  std::atomic_ref(kernel_->skeleton().bss->clk_reading).store(reading_, std::memory_order_relaxed);
}

Peak Peaks::Read(Slot slot) const {
  return Of(slot, reading_ - 1);
}

Peak Peaks::ReadUnfinished(Slot slot) const {
  return Of(slot, reading_);
}

Peak Peaks::Of(Slot slot, std::uint64_t reading) const {
  const clk_peak& seen = rows_[slot].peaks[reading & 1];
  Peak peak;
  if (seen.reading != reading) return peak;
  std::ranges::copy(seen.cpu_ns, peak.cpu_ns.begin());
  peak.memory_pages = seen.memory_pages;
  return peak;
}

// The clock may look at the row meanwhile: it would write the same use.
void Peaks::Restart(Slot slot) {
  clk_row& row = rows_[slot];
  std::uint64_t booked_ns = 0;
  for (std::uint32_t cpu = 0; cpu < kernel_->cpus(); ++cpu)
    booked_ns += booked_[std::size_t{slot} * kernel_->cpus() + cpu].ran_ns;
  row.group = 0;
  row.group_id = 0;
  row.used_ns = booked_ns;
  row.began_ns = booked_ns;
  row.began_tick = kernel_->skeleton().bss->clk_tick;
  row.tick = row.began_tick;
  for (clk_peak& peak : row.peaks) peak = {};
}

std::uint64_t Peaks::ClockNs() const {
  return kernel_->skeleton().bss->clk_ran_ns;
}

}  // namespace ballast::source

#include "collector/source/bpf/memory_source.h"

#include <unistd.h>

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
  return std::unique_ptr<MemorySource>(new MemorySource(std::move(rows), has_file_counts));
}

MemorySource::MemorySource(MappedArray<mem_row> rows, bool has_file_counts)
    : rows_(std::move(rows)),
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

Result<> MemorySource::Collect(Sample& sample) {
  for (const Slot slot : tracked_.slots()) {
    if (sample.IsKept(slot)) continue;
    Workload& workload = tracked_.At(slot);
    Update(slot, workload);
    FillReclaims(workload, sample.Of(slot));
  }
  return Ok();
}

void MemorySource::ReadFinal(Slot slot, model::FieldSet& last) {
  Workload* workload = tracked_.Find(slot);
  if (workload == nullptr) return;
  Update(slot, *workload);
  FillReclaims(*workload, last);
}

}  // namespace ballast::source

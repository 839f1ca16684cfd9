#include "collector/source/bpf/block_source.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "collector/model/field.h"

namespace ballast::source {
namespace {

using model::Field;

struct DirectionFields {
  Field bytes, requests, latency;
};
// By enum blk_direction.
constexpr DirectionFields kFields[BLK_DIRECTIONS] = {
    {Field::kIoReadBytes, Field::kIoReads, Field::kIoReadLatency},
    {Field::kIoWriteBytes, Field::kIoWrites, Field::kIoWriteLatency},
    {Field::kIoDiscardBytes, Field::kIoDiscards, Field::kIoDiscardLatency},
};

void Fill(const BlockTotals& totals, model::FieldSet& fields) {
  for (std::size_t i = 0; i < BLK_DIRECTIONS; ++i) {
    const auto& direction = totals.directions[i];
    fields.Set(kFields[i].bytes, direction.bytes);
    fields.Set(kFields[i].requests, direction.requests);
    // Most devices never discard and many workloads never write.
    if (direction.requests != 0) fields.SetHistogram(kFields[i].latency, direction.latency);
  }
  fields.Set(Field::kIoFlushes, totals.flushes);
}

bool IsAny(const BlockTotals& growth) {
  return growth.flushes != 0 || std::ranges::any_of(growth.directions, [](const auto& direction) {
           return direction.bytes != 0 || direction.requests != 0;
         });
}

}  // namespace

Result<> BlockSource::Track(const Tracked& workload) {
  if (workload.slot >= is_tracked_.size()) is_tracked_.resize(std::size_t{workload.slot} + 1);
  is_tracked_[workload.slot] = true;
  return Ok();
}

void BlockSource::Untrack(Slot slot) {
  if (slot < is_tracked_.size()) is_tracked_[slot] = false;
  block_.Release(slot, [this](Slot owner, std::uint32_t device, const BlockTotals&,
                              const BlockTotals& growth) { AddToHost(owner, device, growth); });
}

Result<> BlockSource::Collect(Sample& sample) {
  // Most devices rest in most ticks.
  sample.KeepChildren(kHostSlot, model::EntityKind::kDevice);
  block_.Read(
      [&](Slot slot, std::uint32_t device, const BlockTotals& totals, const BlockTotals& growth) {
        // A request under way when its workload ended may still claim a row for it.
        const bool is_tracked = slot < is_tracked_.size() && is_tracked_[slot];
        if (is_tracked && !sample.IsKept(slot))
          sample.KeepChildren(slot, model::EntityKind::kDevice);
        if (!IsAny(growth)) return;
        AddToHost(slot, device, growth);
        if (!is_tracked) return;
        Fill(totals, Device(sample, slot, device));
      });
  for (auto& [device, host] : host_)
    if (std::exchange(host.is_changed, false)) Fill(host.totals, Device(sample, kHostSlot, device));
  sample.Of(kHostSlot).Set(Field::kIoUnattributedBytes, unattributed_bytes_);
  return Ok();
}

model::FieldSet& BlockSource::Device(Sample& sample, Slot slot, std::uint32_t device) {
  const Name& name = NameOf(device);
  model::FieldSet& fields = sample.Child(slot, model::EntityKind::kDevice, name.disk);
  fields.SetText(Field::kDevice, name.number);
  return fields;
}

void BlockSource::AddToHost(Slot slot, std::uint32_t device, const BlockTotals& growth) {
  HostDevice& host = host_[device];
  Add(growth, host.totals);
  host.is_changed = true;
  if (slot != BlockIo::kNobody) return;
  for (const auto& direction : growth.directions) unattributed_bytes_ += direction.bytes;
}

// A disk without a name (it is gone already) has its number for one.
const BlockSource::Name& BlockSource::NameOf(std::uint32_t device) {
  auto [known, is_new] = names_.try_emplace(device);
  Name& name = known->second;
  if (!is_new) return name;
  name.number = std::to_string(device >> 20) + ":" + std::to_string(device & ((1U << 20) - 1));
  name.disk = name.number;
  std::error_code error;
  const auto link = std::filesystem::read_symlink("/sys/dev/block/" + name.number, error);
  if (!error) name.disk = link.filename().string();
  return name;
}

}  // namespace ballast::source

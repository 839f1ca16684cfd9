#include "collector/source/bpf/block_source.h"

#include <filesystem>
#include <system_error>

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

}  // namespace

void BlockSource::Untrack(Slot slot) {
  block_.Release(slot,
                 [this](Slot owner, std::uint32_t device, const BlockTotals&,
                        const BlockTotals& growth) { AddToHost(owner, device, growth); });
}

Result<> BlockSource::Collect(Sample& sample) {
  block_.Read([&](Slot slot, std::uint32_t device, const BlockTotals& totals,
                  const BlockTotals& growth) {
    AddToHost(slot, device, growth);
    if (slot == kHostSlot || slot == BlockIo::kNobody) return;
    Fill(totals, sample.Child(slot, model::EntityKind::kDevice, NameOf(device)));
  });
  for (const auto& [device, totals] : host_)
    Fill(totals, sample.Child(kHostSlot, model::EntityKind::kDevice, NameOf(device)));
  sample.Of(kHostSlot).Set(Field::kIoUnattributedBytes, unattributed_bytes_);
  return Ok();
}

void BlockSource::AddToHost(Slot slot, std::uint32_t device, const BlockTotals& growth) {
  Add(growth, host_[device]);
  if (slot != BlockIo::kNobody) return;
  for (const auto& direction : growth.directions) unattributed_bytes_ += direction.bytes;
}

// Named as cAdvisor does. A number without a name (the disk is gone) stays one.
const std::string& BlockSource::NameOf(std::uint32_t device) {
  auto [known, is_new] = names_.try_emplace(device);
  if (!is_new) return known->second;
  const std::string number =
      std::to_string(device >> 20) + ":" + std::to_string(device & ((1U << 20) - 1));
  std::error_code error;
  const auto link = std::filesystem::read_symlink("/sys/dev/block/" + number, error);
  known->second = number;
  if (!error) known->second = "/dev/" + link.filename().string();
  return known->second;
}

}  // namespace ballast::source

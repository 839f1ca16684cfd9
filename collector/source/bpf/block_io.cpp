#include "collector/source/bpf/block_io.h"

#include <bpf/bpf.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "bpf/ballast.skel.h"

namespace ballast::source {

static_assert(model::Histogram::kBuckets == BLK_BUCKETS, "the kernel's buckets are the record's");

void Add(const BlockTotals& more, BlockTotals& to) {
  for (std::size_t i = 0; i < BLK_DIRECTIONS; ++i) {
    to.directions[i].bytes += more.directions[i].bytes;
    to.directions[i].requests += more.directions[i].requests;
    to.directions[i].latency.sum_ns += more.directions[i].latency.sum_ns;
    for (std::size_t at = 0; at < BLK_BUCKETS; ++at)
      to.directions[i].latency.counts[at] += more.directions[i].latency.counts[at];
  }
  to.flushes += more.flushes;
}

Result<BlockIo> BlockIo::Open(const KernelSide& kernel) {
  if (!kernel.IsAttached("blk_on_complete"))
    return Error::Invalid("the kernel does not run the block hook");
  const auto& maps = kernel.skeleton().maps;
  BALLAST_TRY(
      auto rows,
      MappedArray<blk_row>::Open(bpf_map__fd(maps.blk_rows), bpf_map__max_entries(maps.blk_rows)),
      "block I/O");
  BlockIo block(kernel, std::move(rows));
  if (auto freed = block.FreeAllRows(); !freed) return std::move(freed).error();
  return block;
}

BlockIo::BlockIo(const KernelSide& kernel, MappedArray<blk_row> rows)
    : kernel_(&kernel), rows_(std::move(rows)) {}

// The hook runs already: what completed until here found no row and is counted
// as dropped, which is nothing but the moment of start-up.
Result<> BlockIo::FreeAllRows() {
  const int queue = bpf_map__fd(kernel_->skeleton().maps.blk_free);
  for (std::uint32_t index = 0; index < rows_.size(); ++index)
    if (const int err = bpf_map_update_elem(queue, nullptr, &index, BPF_ANY); err != 0)
      return Error::FromErrno(-err, "block I/O: free rows");
  return Ok();
}

void BlockIo::FindClaimed() {
  const std::uint64_t claims =
      std::atomic_ref(kernel_->skeleton().bss->blk_claims).load(std::memory_order_acquire);
  if (claims == claims_) return;
  claims_ = claims;
  std::vector<bool> is_known(rows_.size());
  for (const Owned& owned : owned_) is_known[owned.index] = true;
  for (const auto* free_soon : {&released_, &rested_})
    for (const std::uint32_t index : *free_soon) is_known[index] = true;
  const int index_map = bpf_map__fd(kernel_->skeleton().maps.blk_index);
  for (std::uint32_t index = 0; index < rows_.size(); ++index) {
    const blk_key owner = rows_[index].owner;
    if (owner.device == 0 || is_known[index]) continue;
    // A CPU that lost the race for the pair gives the row back.
    std::uint32_t agreed = 0;
    if (bpf_map_lookup_elem(index_map, &owner, &agreed) != 0 || agreed != index) continue;
    owned_.push_back({.index = index, .owner = owner, .last = {}, .totals = {}});
  }
}

BlockTotals BlockIo::Update(Owned& owned) const {
  const blk_row now = rows_[owned.index];
  const blk_row& last = owned.last;
  BlockTotals growth;
  for (std::size_t i = 0; i < BLK_DIRECTIONS; ++i) {
    auto& direction = growth.directions[i];
    direction.bytes = now.bytes[i] - last.bytes[i];
    direction.latency.sum_ns = now.wait_ns[i] - last.wait_ns[i];
    // Differences modulo 2^32 are right across any number of wraps but a whole one.
    direction.requests = static_cast<std::uint32_t>(now.untimed[i] - last.untimed[i]);
    for (std::size_t at = 0; at < BLK_BUCKETS; ++at) {
      direction.latency.counts[at] =
          static_cast<std::uint32_t>(now.waits[i][at] - last.waits[i][at]);
      direction.requests += direction.latency.counts[at];
    }
  }
  growth.flushes = now.flushes - last.flushes;
  owned.last = now;
  Add(growth, owned.totals);
  return growth;
}

void BlockIo::Read(const Visit& visit) {
  FreeRested();
  FindClaimed();
  for (Owned& owned : owned_) {
    const BlockTotals growth = Update(owned);
    visit(owned.owner.slot, owned.owner.device, owned.totals, growth);
  }
}

void BlockIo::Release(Slot slot, const Visit& visit) {
  const int index_map = bpf_map__fd(kernel_->skeleton().maps.blk_index);
  FindClaimed();
  std::erase_if(owned_, [&](Owned& owned) {
    if (owned.owner.slot != slot) return false;
    bpf_map_delete_elem(index_map, &owned.owner);
    const BlockTotals growth = Update(owned);
    visit(slot, owned.owner.device, owned.totals, growth);
    released_.push_back(owned.index);
    return true;
  });
}

void BlockIo::FreeRested() {
  const auto& maps = kernel_->skeleton().maps;
  const blk_row cleared{};
  for (const std::uint32_t index : rested_) {
    bpf_map_update_elem(bpf_map__fd(maps.blk_rows), &index, &cleared, BPF_ANY);
    bpf_map_update_elem(bpf_map__fd(maps.blk_free), nullptr, &index, BPF_ANY);
  }
  rested_ = std::exchange(released_, {});
}

}  // namespace ballast::source

#pragma once

// Block I/O of every tracked workload by device, and of the host: all I/O, and
// the share that belongs to no cgroup. Not thread-safe; owned by the tick thread.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "collector/source/bpf/block_io.h"
#include "collector/source/source.h"

namespace ballast::source {

class BlockSource final : public Source {
 public:
  explicit BlockSource(BlockIo block) : block_(std::move(block)) {}

  std::string_view name() const override { return "bpf_block"; }
  // Workloads appear with their first request.
  Result<> Track(const Tracked&) override { return Ok(); }
  void ReadFinal(Slot, model::FieldSet&) override {}
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;

 private:
  void AddToHost(Slot slot, std::uint32_t device, const BlockTotals& growth);
  const std::string& NameOf(std::uint32_t device);

  BlockIo block_;
  std::map<std::uint32_t, BlockTotals> host_;   // by device; what the dead did included
  std::map<std::uint32_t, std::string> names_;  // "/dev/vda"
  std::uint64_t unattributed_bytes_ = 0;
};

}  // namespace ballast::source

#pragma once

// Block I/O of every tracked workload by device, and of the host: all I/O, and
// the share that belongs to no cgroup. Not thread-safe; owned by the tick thread.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/source/bpf/block_io.h"
#include "collector/source/source.h"

namespace ballast::source {

class BlockSource final : public Source {
 public:
  explicit BlockSource(BlockIo block) : block_(std::move(block)) {}

  std::string_view name() const override { return "bpf_block"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot, model::FieldSet&) override {}
  void Untrack(Slot slot) override;
  // A device is a workload's from its first request on, and then named only in
  // ticks in which it was used.
  Result<> Collect(Sample& sample) override;

 private:
  void AddToHost(Slot slot, std::uint32_t device, const BlockTotals& growth);
  struct Name {
    std::string disk;    // "vda"
    std::string number;  // "254:0"
  };
  const Name& NameOf(std::uint32_t device);
  model::FieldSet& Device(Sample& sample, Slot slot, std::uint32_t device);

  BlockIo block_;
  std::vector<bool> is_tracked_;  // by slot
  struct HostDevice {
    BlockTotals totals;  // what the dead did included
    bool is_changed = true;
  };
  std::map<std::uint32_t, HostDevice> host_;  // by device
  std::map<std::uint32_t, Name> names_;
  std::uint64_t unattributed_bytes_ = 0;
};

}  // namespace ballast::source

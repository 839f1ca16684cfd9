#pragma once

// What only a workload's processes tell: how many there are, and the counters of
// the network namespace that they are in. Each workload in its turn, once a
// second; one that used no CPU since it was looked at only every tenth turn.
//
// A namespace that several workloads share (a pod) is told once, by the first;
// the host's own is no workload's. Not thread-safe; owned by the tick thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/source/procfs/net_dev_text.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

struct ProcessOptions {
  std::string proc = "/proc";
  // Affects cost: about 30 us per workload and turn.
  std::uint32_t every = 10;  // ticks
  // Turns, of a workload that used no CPU: until its own network is looked at, which
  // others send to, and until its processes are, which somebody may have moved.
  std::uint32_t rest = 10;
  std::uint32_t long_rest = 60;
};

class ProcessSource final : public Source {
 public:
  explicit ProcessSource(ProcessOptions options);

  std::string_view name() const override { return "process_files"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot, model::FieldSet&) override {}
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;

 private:
  struct Workload {
    std::string directory;  // the one whose processes are asked
    std::optional<std::uint64_t> processes;
    std::optional<std::uint64_t> usage_ns;  // when it was looked at
    std::uint64_t network_at = 0;           // tick from which, without CPU time, it is due
    std::uint64_t all_at = 0;
    std::string process;        // one of them
    std::uint64_t network = 0;  // inode of the namespace that it tells of; 0: none
  };

  enum class Due { kNothing, kNetwork, kAll };
  Due TakeTurn(Slot slot, Workload& workload, const model::FieldSet& fields) const;
  void LookAt(Slot slot, Workload& workload, Sample& sample);
  void FillNetwork(Slot slot, Workload& workload, Sample& sample);
  bool TellsOf(std::uint64_t network, Slot slot) const;
  bool Owns(Slot slot, Workload& workload, std::uint64_t network);

  ProcessOptions options_;
  std::uint64_t host_network_;
  std::uint64_t tick_ = 0;
  SlotMap<Workload> workloads_;
  std::map<std::uint64_t, Slot> networks_;  // who tells of a namespace
};

}  // namespace ballast::source

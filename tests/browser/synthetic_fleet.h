#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "collector/model/record.h"

namespace ballast::test {

// A host with every signal that a record can carry, also those that this
// machine or kernel has not: containers, VMs with vCPUs, block devices,
// pressure, who waited for whom, tool calls, decisions. Agents sleep, then
// burst for two seconds, as measured ones do; one in ten is busy.
//
//   SyntheticFleet fleet(1000);
//   publish(fleet.Key(now));
//   for (;;) for (const auto& record : fleet.Tick(now)) publish(record);
//
// Not thread-safe.
class SyntheticFleet {
 public:
  explicit SyntheticFleet(std::uint32_t workloads, std::uint64_t seed = 1);

  // The tick and the events since the last one.
  std::vector<model::Record> Tick(BootTime now);

  // The whole of it: a reader begins with one.
  model::Record Key(BootTime now);

 private:
  struct Agent {
    model::EntityRef ref{};
    model::EntityRef device{}, blame{};  // the host's ref: it has none
    model::EntityKind kind{};
    model::FieldSet fields, device_fields, blame_fields;
    double cores = 0.02, memory = 190e6;
    double limit_cores = 1, limit_memory = 1.5e9;
    double burst_left = 0;  // seconds
    double burst_cores = 0, burst_memory = 0;
    BootTime burst_began{};
    std::uint64_t span = 0;
  };
  void MakeAgent(std::uint32_t number);
  void MakeVcpus(Agent& agent);
  // Moves one agent by a tick; what happened to it goes to `events`.
  void Work(Agent& agent, double seconds, BootTime now, std::vector<model::Event>& events);
  void Wait(Agent& agent, double share_waited, double seconds);
  model::Event ToolCall(const Agent& agent, BootTime now) const;
  model::Event Decision(Agent& agent, bool is_raise);
  model::RecordHeader Header(BootTime now);
  double Random() { return std::uniform_real_distribution<>()(random_); }
  model::EntityRef NextRef() { return model::EntityRef{next_ref_++}; }

  std::mt19937_64 random_;
  std::uint32_t next_ref_ = 1;
  std::uint64_t sequence_ = 0, spans_ = 0, decisions_ = 0;
  BootTime at_{};
  BootTime began_{};
  model::FieldSet host_;
  std::vector<Agent> agents_;
  std::vector<model::EntityRow> extra_;  // vCPUs, exits: made once, moved by their VM
};

}  // namespace ballast::test

#pragma once

// The records that a collector would make of a simulated host: a key at first, then
// births, deaths, tool calls and refusals as events, and a tick per step.
//
//   cgroup /agents holds all; each task is /agents/task-N.
// Not thread-safe.

#include <functional>

#include "autoscaler/simulate/host.h"
#include "collector/model/record.h"

namespace ballast::simulate {

inline constexpr const char* kAgentsPath = "/agents";

model::WorkloadKey KeyOfTask(std::uint64_t task);
model::WorkloadKey KeyOfPool();

class HostRecords {
 public:
  // Of everything since the last call, in the order of a live stream.
  void Emit(const Host& host, const std::function<void(const model::Record&)>& take);

 private:
  model::Record Make(const Host& host, std::variant<model::Tick, model::Event, model::Key> body);
  model::Key FirstKey(const Host& host) const;
  void EmitEvents(const Host& host, const std::function<void(const model::Record&)>& take);

  std::uint64_t sequence_ = 0;
};

// The time of the records: the host was started an hour before the simulation.
BootTime TimeOf(const Host& host);

}  // namespace ballast::simulate

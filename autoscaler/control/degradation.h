#pragma once

// Who is throttled and frozen, live: what the degrader has to know of the fleet, and
// what its steps look like in the records. Off where all priorities are the same.
//
// Time is the records' own. Not thread-safe; owned by the loop.

#include <map>
#include <optional>

#include "autoscaler/control/decision.h"
#include "autoscaler/control/fleet.h"
#include "autoscaler/control/shared_pool.h"
#include "autoscaler/guard/degrader.h"
#include "collector/model/state.h"

namespace ballast::control {

class Degradation {
 public:
  explicit Degradation(const NodeOptions& options);  // options outlive it

  bool is_on() const { return is_on_; }
  // `capacity` of the host's memory; with a shared pool, only who is below it is judged, by its
  // room. `refused`: a workload that the kernel refused memory just now.
  std::vector<guard::DegradeStep> Judge(const Fleet& fleet, const model::State& state,
                                        const SharedPool* pool, std::int64_t capacity,
                                        const std::optional<model::WorkloadKey>& refused,
                                        BootTime at);
  guard::Degrader& degrader() { return degrader_; }

 private:
  // A v2 group is slowed at memory.high without being told to wait; its stall says so.
  struct Stall {
    std::uint64_t full_ns = 0;
    BootTime at{};
    bool is_stalled = false;
  };
  bool IsStalled(const Tracked& tracked, const model::State& state, BootTime at);

  const NodeOptions* options_;
  bool is_on_ = false;
  guard::Degrader degrader_;
  std::map<model::WorkloadKey, Stall> stalls_;
};

// CPU that a throttled workload keeps: what it is guaranteed.
std::int64_t ThrottledCpu(const Tracked& tracked);
// "none -> frozen (reserve: 12.0 MiB free, it takes 34.5 MiB/s)"
std::string Describe(const guard::DegradeStep& step);
// The decision and what became of it, as two events.
model::Event ToEvent(const guard::DegradeStep& step, const Tracked& tracked, std::uint64_t id,
                     const actuate::Actuation& done);
model::Event ToActuationEvent(const guard::DegradeStep& step, const Tracked& tracked,
                              std::uint64_t id, const actuate::Actuation& done);

}  // namespace ballast::control

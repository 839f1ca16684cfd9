#pragma once

// forecast -> allocate -> headroom -> guards, for one host at one moment. No
// I/O and no clock: the same records give the same decision.

#include "autoscaler/control/decision.h"
#include "autoscaler/control/fleet.h"
#include "autoscaler/guard/guard.h"

namespace ballast::control {

// The host's capacities for the model, from its own fields; absent where the
// host does not tell, and then nothing is decided about that resource.
struct Capacity {
  std::optional<std::int64_t> cpu;
  std::optional<std::int64_t> memory;
};
Capacity CapacityOf(const NodeOptions& options, const model::FieldSet& host, const Fleet& fleet);

// What a workload uses and what its running tool calls may still add to it. Millicores or bytes.
double WithTools(const NodeOptions& options, const Fleet& fleet, const Tracked& tracked,
                 actuate::Resource resource, BootTime at);

class Decider {
 public:
  explicit Decider(const NodeOptions& options);  // options outlive it

  // What should change at `at`: everywhere, or for the trigger's subject alone.
  // Notes in the fleet when a limit was last needed; changes nothing else there.
  Decision Decide(Fleet& fleet, const Capacity& capacity, const Trigger& trigger, BootTime at);

 private:
  // The model's answer where resources are coupled.
  struct Coupled {
    allocate::Allocation cpu;
    allocate::Allocation memory;
  };
  // Both require: demands_ are of the decision's time.
  std::optional<Coupled> SolveCoupled(const Fleet& fleet, const Capacity& capacity,
                                      BootTime at) const;
  void DecideResource(Decision& decision, const Fleet& fleet, actuate::Resource resource,
                      std::optional<std::int64_t> capacity, const std::optional<Coupled>& coupled);

  const NodeOptions* options_;
  guard::GuardList cpu_guards_;
  guard::GuardList memory_guards_;
  guard::Budget host_budget_;
  std::vector<forecast::Demand> demands_;  // of both resources, by the fleet's order
};

}  // namespace ballast::control

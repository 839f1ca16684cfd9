#pragma once

// One decision: what went in, what the model said, what the guards made of it.
// It becomes an event record, and that is what `ballast explain` reads.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/allocate/allocate.h"
#include "autoscaler/control/node_options.h"
#include "autoscaler/guard/guard.h"
#include "collector/model/record.h"

namespace ballast::control {

// What woke the loop.
struct Trigger {
  std::string what = "tick";  // tick, throttle_begin, memory_limit, tool_begin
  // The workload that needs more, and of what; absent: the whole host is decided.
  std::optional<model::WorkloadKey> subject;
  actuate::Resource resource = actuate::Resource::kCpu;  // with subject
  // When the kernel refused it; absent: it did not yet.
  std::optional<BootTime> refused_at = std::nullopt;
};

// The host's side of one resource.
struct Pool {
  std::int64_t capacity = 0;
  double water_level = 0;
  double shadow_price = 0;
  double objective = 0;
};

// One limit that should change.
struct Change {
  actuate::Group group;
  model::EntityRef ref{};
  std::string name;
  actuate::Resource resource{};
  allocate::Binding binding{};
  std::int64_t demand = 0;
  std::int64_t allocated = 0;
  std::int64_t guarantee = 0;
  std::int64_t ceiling = 0;
  double weight = 1;
  guard::Proposal proposal;      // current, target, reasons
  Mode mode = Mode::kRecommend;  // of the workload; auto: it is written
  std::string owner;             // which interface it went through; empty until it was carried out
  // Filled in when it was carried out.
  std::optional<actuate::Actuation> done;
};

struct Decision {
  std::uint64_t id = 0;
  BootTime at{};
  Mode mode = Mode::kRecommend;
  Trigger trigger;
  std::optional<Pool> cpu;     // absent: the host's capacity is not known
  std::optional<Pool> memory;  // the same
  std::vector<Change> changes;
  int uneconomic = 0;   // changes that the economic test kept from being made
  std::string problem;  // why nothing could be decided; empty otherwise
};

// "applied", "recommended", "held", "refused" or "failed".
const char* OutcomeOf(const Change& change);
// "demand; shrink step: 750; deadband: 800"
std::string ReasonOf(const Change& change);
// "cpu 200m -> 1400m (water_level)"
std::string Describe(const Change& change);

// The decision, and one event for each limit that was written or refused.
model::Event ToEvent(const Decision& decision);
model::Event ToActuationEvent(const Decision& decision, const Change& change);

}  // namespace ballast::control

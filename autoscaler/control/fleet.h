#pragma once

// The workloads that the loop decides about, and what it remembers of each.
// Keyed by the kernel's identity, so it outlives the collector's incarnations.
//
// Time is the records' own. Not thread-safe; owned by the loop.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/control/node_options.h"
#include "autoscaler/forecast/estimator.h"
#include "autoscaler/forecast/tool_demand.h"
#include "autoscaler/guard/budget.h"
#include "autoscaler/guard/hold_time.h"
#include "collector/model/state.h"

namespace ballast::control {

// One limit of one workload.
struct Limit {
  explicit Limit(int changes_per_minute) : budget(changes_per_minute, std::chrono::minutes(1)) {}

  // What stands in the kernel, as far as is known; nullopt: no limit.
  std::optional<std::int64_t> in_force;
  // What the last record that said something new said.
  std::optional<std::int64_t> recorded;
  // Recommend mode: what was recommended last stands for what is in force.
  std::optional<std::int64_t> recommended;
  std::int64_t used = 0;
  std::optional<BootTime> written_at;
  std::optional<BootTime> needed_at;
  std::optional<BootTime> changed_at;
  std::optional<BootTime> held_until;
  guard::Budget budget;
  guard::HoldTime hold;
};

struct Tracked {
  explicit Tracked(const NodeOptions& options)
      : cpu(options.changes_per_minute),
        memory(options.changes_per_minute),
        estimator(std::make_unique<forecast::DecayingPeak>(options.forecast)) {}

  actuate::Group group;
  model::EntityRef ref{};  // in the collector's present incarnation
  std::string name;
  WorkloadRule rule;
  Mode mode = Mode::kObserve;
  bool may_write = false;  // mode auto
  bool adopted = false;
  bool wait_on = false;  // v1: waits at its memory limit instead of being killed
  bool give_up = false;  // it waited too long: the kernel decides
  std::optional<BootTime> waiting_since;
  int readings = 0;
  BootTime read_at{};              // when its counters were last looked at
  double memory_needed = 0;        // bytes, without the cache that the kernel would give back
  std::uint64_t last_reading = 0;  // of the fleet; an older one: it is gone
  Limit cpu;
  Limit memory;
  forecast::Observer observer;
  std::unique_ptr<forecast::Estimator> estimator;

  forecast::Limits LimitsInForce() const;
};

class Fleet {
 public:
  explicit Fleet(const NodeOptions& options) : options_(&options) {}  // options outlive the fleet

  // Brings the fleet in line with the state after a tick or key was applied and
  // takes a reading of every workload. Returns who is gone.
  std::vector<model::WorkloadKey> Read(const model::State& state, const model::Record& record);
  // Who there is, or who they are, may have changed: an event said so.
  void Reexamine() { is_examined_ = false; }
  // The collector began anew: counters are read afresh, what was learned stays.
  void Restart();
  Tracked* Find(const model::WorkloadKey& key);

  // In a fixed order, the same on every host and in every replay.
  std::map<model::WorkloadKey, Tracked>& tracked() { return tracked_; }
  const std::map<model::WorkloadKey, Tracked>& tracked() const { return tracked_; }
  // What the tool calls that run now may still need, learned from those that ended.
  void BeginTool(const Tracked& tracked, std::uint64_t span, std::string_view program);
  void EndTool(const Tracked& tracked, std::uint64_t span);
  const forecast::ToolDemand& tools() const { return tools_; }          // bytes
  const forecast::ToolDemand& cpu_tools() const { return cpu_tools_; }  // millicores

 private:
  // A managed entity of the state and what is remembered of it; both live until
  // the state's next birth or death.
  struct Member {
    const model::Entity* entity;
    Tracked* tracked;
  };

  void Examine(const model::State& state);
  std::vector<model::WorkloadKey> DropGone();
  bool IsManaged(const model::State& state, const model::Entity& entity) const;
  Tracked& Track(const model::WorkloadKey& key, const model::Entity& entity);
  void TakeReading(Tracked& tracked, const model::FieldSet& fields, const model::FieldSet* row,
                   BootTime at);

  const NodeOptions* options_;
  std::uint64_t reading_ = 0;
  bool is_examined_ = false;
  std::vector<Member> members_;
  std::map<model::WorkloadKey, Tracked> tracked_;
  forecast::ToolDemand tools_;
  forecast::ToolDemand cpu_tools_;
};

}  // namespace ballast::control

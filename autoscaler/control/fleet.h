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
  std::int64_t used = 0;
  std::optional<BootTime> needed_at;
  std::optional<BootTime> changed_at;
  std::optional<BootTime> held_until;
  guard::Budget budget;
  // Recommend mode: what was recommended last stands for what is in force.
  std::optional<std::int64_t> recommended;
  // What the last record that said something new said.
  std::optional<std::int64_t> recorded;
  std::optional<BootTime> written_at;
  guard::HoldTime hold;
};

// What every tick looks at comes first: at a thousand workloads it is read from memory each time.
struct Tracked {
  Tracked(const NodeOptions& options, const actuate::Group& who);

  const WorkloadRule& rule;  // of the options
  std::unique_ptr<forecast::Estimator> estimator;
  Limit cpu;
  Limit memory;
  int readings = 0;
  Mode mode = Mode::kObserve;
  bool may_write = false;  // mode auto
  bool in_pool = false;    // below the shared pool's parent
  bool adopted = false;
  bool wait_on = false;  // v1: waits at its memory limit instead of being killed
  bool give_up = false;  // it waited too long: the kernel decides
  BootTime read_at{};    // when its counters were last looked at

  actuate::Group group;
  model::EntityRef ref{};  // in the collector's present incarnation
  std::string name;
  std::optional<BootTime> waiting_since;
  double memory_needed = 0;        // bytes, without the cache that the kernel would give back
  std::int64_t cpu_wanted = 0;     // millicores: used, and waited for behind others
  std::uint64_t last_reading = 0;  // of the fleet; an older one: it is gone
  forecast::Observer observer;

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

  struct Entry {
    model::WorkloadKey key;
    Tracked& tracked;
  };
  // These are valid until the next Read(), and in a fixed order, the same on every host and in
  // every replay.
  const std::vector<Entry>& tracked() const { return in_order_; }
  // Those that wait at a memory limit or were given up there: few, if any.
  const std::map<model::WorkloadKey, Tracked*>& waiting() const { return waiting_; }
  // Those that may be written and were not adopted when Read() began.
  const std::vector<Tracked*>& newcomers() const { return newcomers_; }
  // Bytes, of all of them.
  std::int64_t memory_used() const { return memory_used_; }

  // What the tool calls that run now may still need, learned from those that ended.
  void BeginTool(const Tracked& tracked, std::uint64_t span, std::string_view program, BootTime at);
  void EndTool(const Tracked& tracked, std::uint64_t span, BootTime at);
  const forecast::ToolDemand& tools() const { return tools_; }          // bytes
  const forecast::ToolDemand& cpu_tools() const { return cpu_tools_; }  // millicores

 private:
  // A managed entity of the state and what is remembered of it; both live until
  // the state's next birth or death.
  struct Member {
    model::EntityRef ref;
    const model::Entity* entity;
    Tracked* tracked;
  };
  struct Row {
    model::EntityRef ref;
    const model::FieldSet* fields;
  };

  void Examine(const model::State& state);
  std::vector<model::WorkloadKey> DropGone();
  void PutInOrder();
  void TakeRows(const model::Tick* tick);
  bool IsManaged(const model::State& state, const model::Entity& entity) const;
  Tracked& Track(const model::WorkloadKey& key, const model::Entity& entity);
  void TakeReading(Tracked& tracked, const model::FieldSet& fields, const model::FieldSet* row,
                   BootTime at);
  void SetMemoryUsed(Tracked& tracked, std::int64_t bytes);
  void SetWaiting(Tracked& tracked, bool waits, BootTime at);

  const NodeOptions* options_;
  std::uint64_t reading_ = 0;
  bool is_examined_ = false;
  std::vector<Member> members_;  // by reference
  std::vector<Row> rows_;        // of the tick that is read, by reference
  std::map<model::WorkloadKey, Tracked> tracked_;
  std::vector<Entry> in_order_;
  std::map<model::WorkloadKey, Tracked*> waiting_;
  std::vector<Tracked*> newcomers_;
  std::int64_t memory_used_ = 0;
  forecast::ToolDemand tools_;
  forecast::ToolDemand cpu_tools_;
};

}  // namespace ballast::control

#pragma once

// The parent that all workloads share: what they need together, decided beside
// the workloads' own limits and through the same guards. The kernel serves a burst out
// of it at once; the loop only keeps it as large as it must be.
//
// Time is the records' own. Not thread-safe; owned by the loop.

#include <optional>

#include "autoscaler/control/decision.h"
#include "autoscaler/control/fleet.h"
#include "autoscaler/forecast/pooled_demand.h"
#include "autoscaler/guard/guard.h"

namespace ballast::control {

class SharedPool {
 public:
  // Requires: options.shared_pool. The options outlive it.
  explicit SharedPool(const NodeOptions& options);

  // After Fleet::Read(). A parent that no record has is named by its path, once a workload is
  // below it.
  void Read(const model::State& state, const Fleet& fleet, BootTime at);
  // A workload waits at the parent's limit.
  void Refused(BootTime at);
  // Adds the parent's change to the decision, if there is one.
  void Decide(Decision& decision, const Fleet& fleet, std::optional<std::int64_t> capacity);

  // Whether the workload is below the parent.
  bool Holds(const Tracked& tracked) const;
  // Whether a workload that was refused memory met the pool's limit rather than its own: the one
  // that has less room left.
  bool IsTighterFor(const Tracked& tracked) const;

  // Absent: no workload is below the parent yet.
  const std::optional<actuate::Group>& group() const { return group_; }
  bool Is(const model::WorkloadKey& key) const { return group_ && group_->key == key; }
  Limit& limit() { return limit_; }
  Mode mode() const;
  std::optional<std::int64_t> demand() const { return last_demand_; }
  bool adopted = false;
  bool give_up = false;  // its workloads waited too long: the kernel decides
  // v1: since when workloads wait because the pool is full.
  std::optional<BootTime> waiting_since;
  // What the host's owner gives the parent at most; absent: no limit.
  std::optional<std::int64_t> original;

 private:
  const model::Entity* FindParent(const model::State& state);
  void Identify(const model::State& state);

  const NodeOptions* options_;
  guard::GuardList guards_;
  forecast::PooledDemand demand_;
  std::optional<actuate::Group> group_;
  std::optional<model::EntityRef> ref_;
  Limit limit_;
  std::optional<std::int64_t> last_demand_;
};

}  // namespace ballast::control

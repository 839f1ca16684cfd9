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

  // After Fleet::Read(). Without the parent in the state nothing is decided.
  void Read(const model::State& state, const Fleet& fleet, BootTime at);
  // A workload waits at the parent's limit.
  void Refused(BootTime at);
  // Adds the parent's change to the decision, if there is one.
  void Decide(Decision& decision, const Fleet& fleet, std::optional<std::int64_t> capacity);

  // Absent: the parent was not seen yet.
  const std::optional<actuate::Group>& group() const { return group_; }
  bool Is(const model::WorkloadKey& key) const { return group_ && group_->key == key; }
  Limit& limit() { return limit_; }
  bool may_write() const;
  bool adopted = false;

 private:
  const model::Entity* FindParent(const model::State& state);

  const NodeOptions* options_;
  guard::GuardList guards_;
  forecast::PooledDemand demand_;
  std::optional<actuate::Group> group_;
  std::optional<model::EntityRef> ref_;
  Limit limit_;
};

}  // namespace ballast::control

#pragma once

// Container runtimes are told of limits by a thread of its own, one container at
// a time: a daemon takes tens of milliseconds for an update, and may hang.
//
// Not thread-safe; owned by the actuator.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/actuate/side_thread.h"
#include "collector/base/clock.h"
#include "collector/base/result.h"
#include "collector/model/entity.h"
#include "collector/runtime/docker_api.h"

namespace ballast::actuate {

class RuntimeTeller {
 public:
  // `sockets` are tried in turn: the container's daemon may be any of them.
  explicit RuntimeTeller(std::vector<std::string> sockets)
      : sockets_(std::move(sockets)), aside_("ballast-runtime") {}

  // What came of the last Begin().
  struct Told {
    model::WorkloadKey key;
    std::string socket;          // that answered
    std::optional<Error> error;  // absent: it knows
    bool answered = true;        // false: no daemon did, in time
  };

  // Nothing is under way, and daemons that did not answer have been left alone for a while.
  bool IsFree(BootTime now) const { return !under_way_ && now >= silent_until_; }
  bool IsTelling(const model::WorkloadKey& key) const {
    return under_way_ && under_way_->key == key;
  }
  // Requires: IsFree(), and at least one socket.
  void Begin(const model::WorkloadKey& key, const std::string& socket, const std::string& container,
             const runtime::ContainerLimits& limits);
  // Once for each Begin(), when it has ended.
  std::optional<Told> Take(BootTime now);

 private:
  std::vector<std::string> sockets_;
  SideThread aside_;
  std::shared_ptr<Told> under_way_;  // the second owner is the thread
  BootTime silent_until_{};
};

}  // namespace ballast::actuate

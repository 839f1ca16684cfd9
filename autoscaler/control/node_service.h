#pragma once

// The node loop, live: fed from the collector's socket, events sent back on it,
// until told to stop. Then every limit is put back.
//
// One thread. Blocks in Run().

#include <functional>
#include <string>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/control/node_options.h"
#include "collector/base/result.h"

namespace ballast::control {

struct NodeServiceOptions {
  NodeOptions node;
  std::string collector_socket;
  std::string listen;  // of /metrics; empty: none
  actuate::CgroupActuatorOptions actuator;
};

// Returns after SIGTERM or SIGINT and a release of everything. `alive` is
// called at least every 100 ms while the loop turns.
Result<> RunNodeService(NodeServiceOptions options, const std::function<void()>& alive);

}  // namespace ballast::control

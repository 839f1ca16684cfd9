#pragma once

// The node loop, live: fed from the collector's socket, events sent back on it,
// until told to stop. Then every limit is put back.
//
// One thread. Blocks in Run().

#include <functional>
#include <string>
#include <vector>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/actuate/vm_actuator.h"
#include "autoscaler/control/node_options.h"
#include "collector/base/result.h"

namespace ballast::control {

struct NodeServiceOptions {
  NodeOptions node;
  std::string collector_socket;
  std::string listen;  // of /metrics; empty: none
  actuate::CgroupActuatorOptions actuator;
  actuate::VmActuatorOptions vms = {};
  // Where the kill switch is looked for; see actuate/stop_file.h.
  std::string state_folder = {};
  // Reads the configuration again, on SIGHUP; checked options, or one sentence
  // that says why the ones in force stay. Absent: SIGHUP is not heeded.
  std::function<Result<NodeOptions>()> reload = {};
};

// Which groups may be written: auto prefixes in mode auto, and rules that say auto; what has a
// longer prefix of `LeftAlone` may not.
std::vector<std::string> WritablePrefixes(const NodeOptions& options);
std::vector<std::string> LeftAlone(const NodeOptions& options);
// The group that may be a pool; empty: none.
std::string WritablePool(const NodeOptions& options);

// Returns after SIGTERM or SIGINT and a release of everything. `alive` is
// called at least every 100 ms while the loop turns.
Result<> RunNodeService(NodeServiceOptions options, const std::function<void()>& alive);

}  // namespace ballast::control

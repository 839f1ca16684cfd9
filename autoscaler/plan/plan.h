#pragma once

// From where VMs run to where they should run: which moves, in which order, how
// long each takes and what cannot be done.
//
// A move uses both hosts: the source holds the VM until the move has completed,
// the destination from the moment it starts. So moves wait for each other; the
// plan says for which. The contract, whatever the moves' real durations are:
//
//   start a step once all steps in its `after` have completed; then no host is
//   over its capacity at any moment, and no host or link carries more moves at
//   once than the limits allow.
//
// Waiting is only ever for steps earlier in the list, so a plan cannot deadlock.
// Moves that wait for each other in a circle are broken by a bypass: the VM
// that is cheapest to move goes to a host with room first and on from there.
// What no bypass can break is reported, never half done.
//
// Pure; time appears only as predictions.

#include <optional>
#include <string>
#include <vector>

#include "autoscaler/consolidate/problem.h"

namespace ballast::plan {

using consolidate::Amount;
using consolidate::Placement;
using consolidate::Problem;

// How a VM behaves while it is copied.
struct VmMotion {
  double dirty_bytes_per_s = 0;  // written while running, measured over the copy's time scale
  Amount working_set_bytes = 0;  // the most that can be dirty at once; 0: all of its memory
};

struct PlanLimits {
  int per_source = 2;              // moves at once out of one host (KubeVirt's default)
  int per_destination = 2;         // into one host
  int per_link = 4;                // on one link
  double bytes_per_s = 1.0e9;      // of one move: 10 Gbit/s less overhead
  double most_downtime_s = 0.3;    // the VM pauses for less than this, or the move is not started
  double fixed_downtime_s = 0.05;  // of every switch-over, whatever is left to copy
  int most_rounds = 30;            // of pre-copy before it counts as not converging
  bool allow_bypass = true;
};

struct PlanInput {
  const Problem* problem = nullptr;  // outlives the plan's making; Vm::current is where VMs run
  Placement target;                  // a checked placement; the current host means: stays
  std::vector<VmMotion> motion;      // as Problem::vms; empty: nothing is known to be dirty
  std::vector<int> link_of_host;     // the link a host hangs on; empty: a link of its own each
  PlanLimits limits;
};

struct Prediction {
  double duration_s = 0;
  double downtime_s = 0;
  Amount copied_bytes = 0;
  bool converges = true;  // false: dirtied faster than copied; the move must not be tried so
};

struct Step {
  int vm = 0;
  int from = 0;
  int to = 0;
  bool is_bypass = false;  // a detour; a later step takes it to its target
  std::vector<int> after;  // indices of steps that must have completed
  Prediction predicted;
  double start_s = 0;  // of the schedule if every prediction is right
};

struct Undone {
  int vm = 0;
  std::string why;
};

struct Plan {
  std::vector<Step> steps;
  std::vector<Undone> undone;
  double duration_s = 0;
  Amount copied_bytes = 0;
};

// Pre-copy: round after round copies what was dirtied during the last one, until
// the rest can be copied within the downtime. With r = dirty / bandwidth < 1 the
// rounds shrink by r; the working set caps what can be dirty (Clark et al. 2005,
// Akoush et al. 2010).
Prediction PredictMove(Amount memory_bytes, const VmMotion& motion, const PlanLimits& limits);

// Requires: CheckProblem(*problem), sizes of target and motion as vms. VMs
// without a current host are placed at their target from the start on and never
// appear as steps. Currently overloaded hosts are allowed: no step adds to one
// before it has room.
Plan MakePlan(const PlanInput& input);

}  // namespace ballast::plan

#pragma once

// A policy on a host for an hour, and what came of it; over seeds, with
// confidence intervals.
//
//   slack      1 - mean use / mean memory reserved (guarantees and shared pool)
//   violated   tasks that were OOM-killed or waited for memory longer than 1 s
//
// Deterministic: the same options give the same numbers on every machine.

#include <string>
#include <vector>

#include "autoscaler/simulate/policy.h"

namespace ballast::simulate {

struct RunOptions {
  std::string policy = "ballast";
  PolicyOptions policy_options;  // with the host and the hours
  int hosts = 1;
  int seeds = 3;
};

// A mean and half the width of its 95 % confidence interval over the seeds
// (Student's t); 0 for one seed.
struct Estimate {
  double mean = 0;
  double half_width = 0;
};

struct Summary {
  std::string policy;
  int seeds = 0;
  std::uint64_t tasks = 0;  // over all seeds
  double task_hours = 0;    // the same
  Estimate slack;
  // Against the largest reservation of the run: the host that would have had to be bought.
  Estimate slack_of_peak;
  Estimate violated_share;
  Estimate oom_kills_per_1000_task_hours;
  Estimate throttled_seconds;  // of one run
  Estimate memory_waited_seconds;
  Estimate resizes_per_task_hour;
  Estimate slowdown;  // finished tasks: how long they took, over how long their traces are
  double mean_used_bytes = 0;
  double mean_reserved_bytes = 0;
  double peak_reserved_bytes = 0;  // largest of all seeds and hosts
};

Result<Summary> Run(const RunOptions& options, const std::vector<Trace>& traces);

// How many agents fit into `memory_bytes`: the most whose largest reservation stays
// below it while no larger share of tasks is violated than `violated_share`. By
// bisection over closed-loop runs, beginning with the options' number of agents.
Result<int> AgentsPerHost(const RunOptions& options, const std::vector<Trace>& traces,
                          double memory_bytes, double violated_share);

}  // namespace ballast::simulate

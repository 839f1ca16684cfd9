#pragma once

// Solve() places every VM on the cheapest set of hosts it can find and says how
// far from the optimum that can be at most.
//
//   const Solution solution = Solve(problem, {.work_limit = 50'000'000});
//
// Anytime: when the limit ends the search, the best placement so far comes back
// with its gap. Every placement that leaves here has passed the checker.

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autoscaler/consolidate/problem.h"

namespace ballast::consolidate {

enum class Status {
  kOptimal,     // proven
  kFeasible,    // valid; the gap says how good at least
  kInfeasible,  // proven; `reason` says why, `culprits` which VMs
  kUnknown,     // the limit ended the search before any valid placement
};

struct Progress {
  bool has_incumbent = false;
  Cost incumbent = 0;
  Cost lower_bound = 0;
  std::int64_t work_units = 0;
  const char* phase = "";
};

// Runs task(0) .. task(n - 1), in any order and on any threads, and returns when
// all are done. This module holds no threads; the caller may lend some.
using RunTasks = std::function<void(int n, const std::function<void(int)>& task)>;

struct SolveOptions {
  // Affects decisions.
  std::uint64_t seed = 1;
  std::int64_t work_limit = std::numeric_limits<std::int64_t>::max();
  std::function<bool()> should_stop = {};  // a clock or a signal; may be called from lent threads
  // Affects cost only.
  RunTasks run_tasks = {};  // empty: one after the other
  std::function<void(const Progress&)> on_progress = {};
};

struct Solution {
  Status status = Status::kUnknown;
  Placement placement;  // empty unless optimal or feasible
  Cost cost = 0;
  int hosts_used = 0;
  std::int64_t moves = 0;
  Amount migrated_bytes = 0;
  Cost lower_bound = 0;  // of the cost of any valid placement
  std::string bound_method;
  std::string stop_reason;  // "optimal", "infeasible", "work limit", "stopped"
  std::int64_t work_units = 0;
  std::string reason;         // why infeasible
  std::vector<int> culprits;  // VMs that cannot be placed together, where found
};

// cost / lower_bound - 1; 0 when both are 0.
double Gap(const Solution& solution);

// Requires: CheckProblem(problem). Thread-safe.
Solution Solve(const Problem& problem, const SolveOptions& options = {});

}  // namespace ballast::consolidate

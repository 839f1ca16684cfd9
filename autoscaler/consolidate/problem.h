#pragma once

// The consolidation problem as a value: which hosts there are, which VMs, what
// binds them. Exact integers throughout: what the checker accepts is what fits.
//
//   minimise    sum_j cost_j y_j                 then the migrated bytes
//   subject to  sum_j x_ij = 1                    every VM i               (1)
//               sum_i demand_ik x_ij <= capacity_jk y_j   host j, resource k (2)
//               x_ij = 0 where i may not run on j                          (3)
//               sum_{i in A} x_ij <= at_most_A   anti-affinity set A       (4)
//               y_j = 1 for hosts that stay on                             (5)
//               moves and migrated bytes within their budgets              (6)
//
// A move is a VM that has a current host and is placed on another one; a VM
// without a current host is placed for free.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"

namespace ballast::consolidate {

// Of one resource: milli-cores for CPU, bytes for memory, thousandths for others.
using Amount = std::int64_t;
// Costs count in millionths, so that sums and comparisons are exact.
using Cost = std::int64_t;
inline constexpr Cost kCostScale = 1'000'000;

inline constexpr int kNoHost = -1;

struct Host {
  std::string name;
  std::vector<Amount> capacity;  // as Problem::resources; headroom already taken off
  Cost cost = kCostScale;        // of having it on
  bool must_stay_on = false;     // may not be emptied and switched off: its cost is paid anyway
};

struct Vm {
  std::string name;
  std::vector<Amount> demand;  // as Problem::resources
  int current = kNoHost;       // where it runs now
  Amount migration_bytes = 0;  // what moving it copies; its memory, as a rule
  std::vector<int> allowed;    // hosts it may run on, ascending; empty: any
  std::vector<int> forbidden;  // hosts it may not run on, ascending
};

struct AntiAffinity {
  std::vector<int> vms;
  int at_most = 1;  // of them on one host
};

struct Problem {
  std::vector<std::string> resources;
  std::vector<Host> hosts;
  std::vector<Vm> vms;
  std::vector<AntiAffinity> anti_affinity;
  std::optional<std::int64_t> max_moves;
  std::optional<Amount> max_migrated_bytes;
};

// Host of each VM, as Problem::vms; kNoHost where it has none.
using Placement = std::vector<int>;

// Whether constraint (3) lets `vm` run on `host`; says nothing about room.
bool MayRunOn(const Vm& vm, int host);

// Everything a solver may assume: non-negative sizes, sums that cannot
// overflow, known hosts, unique names, no pin that contradicts another. The
// error names the VM or host. Infeasible problems pass: that is an answer.
Result<> CheckProblem(const Problem& problem);

}  // namespace ballast::consolidate

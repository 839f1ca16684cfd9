#pragma once

// Why a placement is as it is, from the problem and the placement alone: for
// each host that is on why it is on, for each VM why it is there and what the
// runner-up was, and what would let one more host be switched off. And the curve
// of cost against migration.

#include <string>
#include <vector>

#include "autoscaler/consolidate/problem.h"
#include "autoscaler/consolidate/solve.h"

namespace ballast::consolidate {

struct HostReason {
  int host = 0;
  std::string why;
};

struct VmReason {
  int vm = 0;
  std::string why;
  int runner_up = kNoHost;    // the host in use that comes closest to taking it
  std::string runner_up_why;  // what is missing there, or that it would fit as well
};

struct Explanation {
  std::vector<HostReason> hosts;  // those that are on
  std::vector<VmReason> vms;      // all
  std::string one_host_less;      // what would let one more host be switched off
};

// Requires: a solution with a placement. O(VMs x hosts in use).
Explanation Explain(const Problem& problem, const Solution& solution);

struct TradeOff {
  Cost cost = 0;
  int hosts_used = 0;
  std::int64_t moves = 0;
  Amount migrated_bytes = 0;
};

// Placements no other is better than in both cost and migrated bytes, cheapest
// migration first; `solution` (of Solve) is its far end. The steps between come
// from emptying host after host, so the curve is one of good, not best, trades.
std::vector<TradeOff> TradeOffs(const Problem& problem, const Solution& solution,
                                const SolveOptions& options);

}  // namespace ballast::consolidate

#pragma once

// All resources of one host, any number of them.
//
// Separate (the default): each resource is a problem of its own (allocate.h), with its own water
// level; every split that wastes nothing of a resource maximises the use of it.
//
// Coupled by dominant share (opt-in): a workload needs its resources in the proportion in which it
// asks for them, so more memory is of no use to it without the CPU that goes with it. With
// x_i in [0, 1] how far workload i gets, d_ir what it asks for of resource r, C_r the capacities:
//
//   a_ir = max(lo_ir, d_ir x_i)                                               (1)
//   sum_i a_ir <= C_r                                                         (2)
//   x_i <= X_i = min_r (1, ceiling_ir / d_ir),  lo_ir = min(min_ir, d_ir X_i) (3)
//   s_i = D_i x_i,  D_i = max_r d_ir / (C_r w_ir)                             (4)
//
// and s, the weighted dominant shares, is max-min fair: nobody's can grow except at the cost of one
// that is no larger. A guarantee is held for its workload even where the rest that goes with it is
// short, and what it covers costs nobody anything. All shares rise together until a resource r is
// full, at level L_r; then who needs more of r stops, and the others rise on. So
//
//   x_i = min(X_i, min over the full r with d_ir > 0 of max(L_r / D_i, lo_ir / d_ir))   (5)
//
// and each resource r, while shares rise, is a body of water in vessels of weight d_ir / D_i
// between lo_ir and d_ir X_i: at most one water level per resource and round, m rounds, O(m^2 n log
// n) in all. No step size, no tolerance. Priorities are strict tiers as in allocate.h; guarantees
// of all come first.
//
// With equal weights and no guarantees this is DRF: nobody gets less than of an equal split, nobody
// envies another, nobody gains by asking for something else, nothing is left that could be used.
// It gives up what separate resources have: a workload that is short of CPU is given less memory,
// too.
//
// References: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011; Parkes, Dolev, Shah, "Beyond
// DRF: Extensions, Limitations, and Indivisibilities", EC 2012 (weights); Gutman and Nisan, "Fair
// Allocation Without Trade", AAMAS 2012 (exact, polynomial).
//
// Pure, as allocate.h.

#include <cstddef>
#include <string>
#include <vector>

#include "autoscaler/allocate/allocate.h"

namespace ballast::allocate {

enum class Coupling { kSeparate, kDominantShare };
const char* ToString(Coupling coupling);

struct Resource {
  std::string name;  // for explanations
  // Item i of every resource is workload i. Weights may differ by resource; coupled, priorities may
  // not.
  Problem problem;
};

struct HostProblem {
  std::vector<Resource> resources;
  Coupling coupling = Coupling::kSeparate;
};

// Why a workload has what it has, across resources. Coupled only.
struct Progress {
  double x = 0;               // of all it asks for
  double dominant_share = 0;  // s_i
  std::size_t dominant = 0;   // the resource that D_i comes from
};

struct HostAllocation {
  Status status = Status::kOptimal;
  // By resource; empty if infeasible. Coupled, of each: `water_level` is L_r (the lowest where it
  // served several tiers; infinity: it was never full), `shadow_price` is how far one more unit
  // of it lifts the level of those that it stops first (0: of nobody), and a binding of kCoupled
  // says that another resource is the workload's bottleneck.
  std::vector<Allocation> resources;
  std::vector<Progress> progress;  // by workload; empty unless coupled
  std::string explanation;         // why infeasible, with the resource; empty otherwise
};

// Requires: what Allocate(Problem) requires of each resource, as many items in each, and, coupled,
// the same priorities.
HostAllocation Allocate(const HostProblem& problem);

}  // namespace ballast::allocate

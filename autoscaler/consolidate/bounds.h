#pragma once

// Cheap lower bounds on the cost of hosts, each valid whatever the search does.
//
// All are one idea: give every shape s a value pi_s >= 0 and let z_t be at least
// the most value that fits on one host of type t. Any solution pays, for every
// scale a >= 0,
//
//   cost >= a sum_s pi_s n_s - sum_t n_t max(0, a z_t - c_t)              (B)
//
// (each host brings at most z_t of the value that must be placed; the sum on the
// right prices the hosts that earn more than they cost). (B) is concave in a and
// piecewise linear, so the best a is one of c_t / z_t. Volume bounds take pi
// linear in the demands, dual-feasible functions take it super-additive, and
// column generation takes LP duals: Lagrange's bound and Farley's are both (B).

#include <optional>
#include <string>
#include <vector>

#include "autoscaler/consolidate/instance.h"

namespace ballast::consolidate {

struct Bound {
  Cost cost = 0;  // includes Instance::fixed_cost
  std::string method = "none";
};

// Value of (B) at the best scale, without fixed cost. `most_value[t]` is z_t.
// `hosts_left` of each type.
double ScaledBound(const Instance& in, double total_value, const std::vector<double>& most_value,
                   const std::vector<int>& hosts_left);
double ScaledBound(const Instance& in, double total_value, const std::vector<double>& most_value);

// The least possible cost that is at least `bound`: totals are multiples of the
// cost step. Tolerates rounding errors of the doubles that led here.
Cost RoundUpToCost(const Instance& in, double bound);

struct VolumeBound {
  double value = 0;
  std::vector<double> price;  // of one unit of each resource; the multipliers of (B)
  bool infeasible = false;    // some resource is demanded more than all hosts have
  int scarce_resource = -1;   // which
};

// min sum c_t z_t with sum_t z_t R_tk >= demand_k, 0 <= z_t <= n_t, by Clp: the
// surrogate bound over all multipliers at once.
VolumeBound ComputeVolumeBound(const Instance& in);

// Solution of the LP above for `demand` of each resource and `hosts` left of each
// type: how many of each type to use, and the prices. nullopt: too little room.
struct HostMix {
  std::vector<double> hosts;  // by type
  std::vector<double> price;  // by resource, of one unit
};
std::optional<HostMix> FindHostMix(const Instance& in, const std::vector<double>& demand,
                                   const std::vector<int>& hosts_left);

// Best of several families of dual-feasible functions in each resource, and of
// pairs of them. O(functions x (shapes + types)).
double ComputeDualFeasibleBound(const Instance& in, const VolumeBound& volume);

}  // namespace ballast::consolidate

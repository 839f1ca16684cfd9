#pragma once

// A Problem prepared for search: VMs that cannot be told apart are one shape,
// hosts that cannot be told apart one type. A real inventory of 8,152 demands
// was 103 shapes and 1,523 hosts 19 types, so bounds and columns work on these,
// and only the final assignment on single VMs.

#include <span>
#include <vector>

#include "autoscaler/consolidate/problem.h"

namespace ballast::consolidate {

// Same demand, same hosts allowed, same anti-affinity sets.
struct Shape {
  std::vector<Amount> demand;
  std::vector<int> vms;   // ascending
  std::vector<int> sets;  // anti-affinity sets its VMs are in
};

// Same capacity and cost, and the same VMs may run there.
struct Type {
  std::vector<Amount> capacity;
  Cost cost = 0;           // 0 for hosts that stay on: theirs is in Instance::fixed_cost
  std::vector<int> hosts;  // ascending
};

struct Instance {
  const Problem* problem = nullptr;  // outlives the instance
  int resources = 0;
  std::vector<Shape> shapes;
  std::vector<Type> types;
  std::vector<int> shape_of;              // of each VM
  std::vector<int> type_of;               // of each host
  std::vector<Amount> demand;             // [vm * resources + k]
  std::vector<Amount> capacity;           // [host * resources + k]
  std::vector<std::vector<int>> sets_of;  // anti-affinity sets of each VM; empty if there are none
  std::vector<char> allowed;              // [shape * types + type]; empty: everything is
  Cost fixed_cost = 0;                    // of hosts that stay on
  Cost cost_step = 1;                     // every total of type costs is a multiple of this
  bool has_budget = false;

  int vm_count() const { return static_cast<int>(shape_of.size()); }
  int host_count() const { return static_cast<int>(type_of.size()); }
  bool Allows(int shape, int type) const {
    return allowed.empty() || allowed[static_cast<std::size_t>(shape) * types.size() + type] != 0;
  }
  bool AllowsVm(int vm, int host) const {
    return allowed.empty() || Allows(shape_of[vm], type_of[host]);
  }
  std::span<const Amount> DemandOf(int vm) const {
    return {demand.data() + static_cast<std::size_t>(vm) * resources,
            static_cast<std::size_t>(resources)};
  }
  std::span<const Amount> CapacityOf(int host) const {
    return {capacity.data() + static_cast<std::size_t>(host) * resources,
            static_cast<std::size_t>(resources)};
  }
  Cost CostOf(int host) const { return types[static_cast<std::size_t>(type_of[host])].cost; }
};

// Requires: CheckProblem(problem). O(n log n) in VMs and hosts.
Instance MakeInstance(const Problem& problem);

}  // namespace ballast::consolidate

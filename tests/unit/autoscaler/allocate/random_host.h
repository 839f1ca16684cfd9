#pragma once

// Random hosts of several resources: workloads that use some or all of them, demands of every size,
// and, where asked for, guarantees, ceilings, weights by resource and tiers.

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "autoscaler/allocate/host.h"

namespace ballast::test {

struct RandomHostOptions {
  int most_workloads = 12;
  int most_resources = 4;
  int tiers = 1;
  bool rights = true;  // guarantees and ceilings
  bool equal_weights = false;
  bool edge = true;  // one in twenty: guarantees fill the resource exactly
};

inline allocate::HostProblem RandomHost(std::mt19937_64& random,
                                        const RandomHostOptions& options = {}) {
  const auto uniform = [&](double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  };
  const auto whole = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  };

  allocate::HostProblem host;
  host.coupling = allocate::Coupling::kDominantShare;
  const int workloads = whole(1, options.most_workloads);
  std::vector<int> priorities(static_cast<std::size_t>(workloads));
  for (int& priority : priorities) priority = whole(0, options.tiers - 1);
  const int resources = whole(1, options.most_resources);
  for (int r = 0; r < resources; ++r) {
    allocate::Resource resource{.name = std::string(1, static_cast<char>('a' + r)), .problem = {}};
    const double unit = std::pow(10.0, whole(0, 9));
    double demand = 0;
    double guaranteed = 0;
    for (const int priority : priorities) {
      allocate::Item item;
      item.demand = whole(1, 6) == 1 ? 0 : unit * std::pow(10.0, uniform(-1, 1));
      item.weight = options.equal_weights || whole(1, 2) == 1 ? 1 : std::pow(10.0, uniform(-1, 1));
      item.priority = priority;
      if (options.rights && whole(1, 3) == 1) item.guarantee = uniform(0, 1.3) * item.demand;
      if (options.rights && whole(1, 4) == 1)
        item.ceiling = std::max(item.guarantee, uniform(0.2, 1.5) * item.demand);
      demand += item.demand;
      guaranteed += std::min({item.guarantee, item.demand, item.ceiling});
      resource.problem.items.push_back(item);
    }
    resource.problem.capacity = std::max(guaranteed * 1.01, uniform(0.1, 1.2) * demand) + unit / 10;
    if (whole(1, 20) == 1 && options.edge) resource.problem.capacity = guaranteed;
    host.resources.push_back(std::move(resource));
  }
  return host;
}

}  // namespace ballast::test

#pragma once

// Random allocation problems for property tests: scarce and plenty, with and
// without guarantees, ceilings, ties and empty demands.

#include <algorithm>
#include <cmath>
#include <random>

#include "autoscaler/allocate/allocate.h"

namespace ballast::test {

struct RandomProblemOptions {
  bool whole_numbers = false;
  int tiers = 1;
};

inline allocate::Problem RandomProblem(std::mt19937_64& random, RandomProblemOptions options = {}) {
  const auto uniform = [&](double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random);
  };
  const auto one_in = [&](int n) { return std::uniform_int_distribution<int>(1, n)(random) == 1; };
  const auto number = [&](double value) {
    return options.whole_numbers ? std::floor(value) : value;
  };

  allocate::Problem problem;
  const int count = std::uniform_int_distribution<int>(1, 24)(random);
  double demand = 0;
  double guaranteed = 0;
  for (int i = 0; i < count; ++i) {
    allocate::Item item;
    item.demand = one_in(8) ? 0 : number(std::pow(10.0, uniform(0, 5)));
    item.weight = one_in(2) ? 1 : std::pow(10.0, uniform(-2, 2));
    if (one_in(3)) item.guarantee = number(uniform(0, 1.3) * item.demand);
    if (one_in(4)) item.ceiling = std::max(item.guarantee, number(uniform(0.2, 1.5) * item.demand));
    item.priority = std::uniform_int_distribution<int>(0, options.tiers - 1)(random);
    demand += item.demand;
    guaranteed += std::min(item.guarantee, std::min(item.demand, item.ceiling));
    problem.items.push_back(item);
  }
  problem.capacity =
      number(std::max(guaranteed, uniform(0, 1.3) * demand)) + (options.whole_numbers ? 1 : 0);
  if (one_in(20)) problem.capacity = guaranteed;
  return problem;
}

}  // namespace ballast::test

#pragma once

// Instances for tests and benchmarks of consolidation, all from a seed.
// Planted ones are cut out of full hosts, so their optimum is known: with costs
// proportional to capacity no placement is cheaper than the hosts that were cut.

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "autoscaler/consolidate/problem.h"
#include "autoscaler/consolidate/random.h"

namespace ballast::test {

using consolidate::Amount;
using consolidate::Cost;
using consolidate::Problem;
using consolidate::Random;

struct Planted {
  Problem problem;
  Cost optimum = 0;
};

struct PlantedOptions {
  int hosts = 100;
  int vms_per_host = 10;
  int types = 4;
  int resources = 2;
  double spare = 0.1;      // further hosts of the same types, as a share
  double smallest = 0;     // 0: free cuts; s: parts are weights from [s, 1]
  double correlation = 0;  // 1: all resources are cut alike; -1: against each other
  std::uint64_t seed = 1;
};

inline std::vector<std::string> ResourceNames(int resources) {
  std::vector<std::string> names = {"cpu", "memory"};
  for (int k = 2; k < resources; ++k) names.push_back(fmt::format("r{}", k));
  names.resize(static_cast<std::size_t>(resources));
  return names;
}

// `parts` positive shares of `total`, exact.
inline std::vector<Amount> Cut(Amount total, const std::vector<double>& shares) {
  double sum = 0;
  for (const double share : shares) sum += share;
  std::vector<Amount> parts;
  double up_to = 0;
  Amount cut = 0;
  for (const double share : shares) {
    up_to += share;
    const auto next = static_cast<Amount>(std::llround(static_cast<double>(total) * (up_to / sum)));
    parts.push_back(next - cut);
    cut = next;
  }
  parts.back() += total - cut;
  return parts;
}

inline std::vector<double> Shares(int parts, double smallest, Random& random) {
  std::vector<double> shares;
  for (int i = 0; i < parts; ++i)
    // Exponential weights are uniform cuts of the whole.
    shares.push_back(smallest > 0 ? smallest + (1 - smallest) * random.Unit()
                                  : -std::log(1 - random.Unit()) + 1e-6);
  return shares;
}

inline Planted MakePlanted(const PlantedOptions& options) {
  static constexpr Amount kBase[4][2] = {{16'000, 64}, {32'000, 96}, {48'000, 256}, {96'000, 384}};
  constexpr Amount kGib = Amount{1} << 30;
  Random random(options.seed);
  Planted planted;
  Problem& problem = planted.problem;
  problem.resources = ResourceNames(options.resources);
  const int spare = static_cast<int>(options.hosts * options.spare + 0.5);
  for (int j = 0; j < options.hosts + spare; ++j) {
    const auto& base = kBase[options.types == 1 ? 1 : j % options.types];
    consolidate::Host host;
    host.name = fmt::format("host{}", j);
    host.capacity = {base[0], base[1] * kGib};
    for (int k = 2; k < options.resources; ++k) host.capacity.push_back(base[0] * (k + 1) + 1000);
    host.capacity.resize(static_cast<std::size_t>(options.resources));
    // Proportional to capacity: a core costs as much as 4 GiB; further resources are free.
    host.cost = base[0] * 1000 + (options.resources > 1 ? base[1] * 250'000 : 0);
    if (options.types == 1) host.cost = consolidate::kCostScale;
    problem.hosts.push_back(host);
    if (j >= options.hosts) continue;
    planted.optimum += host.cost;
    std::vector<std::vector<Amount>> parts;
    const std::vector<double> common = Shares(options.vms_per_host, options.smallest, random);
    for (int k = 0; k < options.resources; ++k) {
      std::vector<double> shares = Shares(options.vms_per_host, options.smallest, random);
      const double tie = std::abs(options.correlation);
      for (std::size_t i = 0; i < shares.size(); ++i) {
        const bool against = options.correlation < 0 && k % 2 == 1;
        const double other = against ? 1 / (0.3 + common[i]) : common[i];
        shares[i] = (1 - tie) * shares[i] + tie * other;
      }
      parts.push_back(Cut(host.capacity[k], shares));
    }
    for (int i = 0; i < options.vms_per_host; ++i) {
      consolidate::Vm vm;
      for (const auto& part : parts) vm.demand.push_back(part[static_cast<std::size_t>(i)]);
      vm.migration_bytes = vm.demand[options.resources > 1 ? 1 : 0];
      problem.vms.push_back(vm);
    }
  }
  // Shuffled, so that neighbours in the input do not give the answer away.
  for (std::size_t i = problem.vms.size(); i > 1; --i)
    std::swap(problem.vms[i - 1],
              problem.vms[static_cast<std::size_t>(random.Below(static_cast<int>(i)))]);
  for (std::size_t i = 0; i < problem.vms.size(); ++i) problem.vms[i].name = fmt::format("vm{}", i);
  return planted;
}

struct UniformOptions {
  int vms = 60;
  int resources = 2;
  double low = 0.1, high = 0.5;  // of the capacity
  double correlation = 0;        // as PlantedOptions
  Amount capacity = 1'000'000;
  std::uint64_t seed = 1;
};

// Identical hosts of cost 1, enough of them; demands uniform in [low, high].
inline Problem MakeUniform(const UniformOptions& options) {
  Random random(options.seed);
  Problem problem;
  problem.resources = ResourceNames(options.resources);
  for (int i = 0; i < options.vms; ++i) {
    consolidate::Vm vm;
    vm.name = fmt::format("vm{}", i);
    const double common = random.Unit();
    for (int k = 0; k < options.resources; ++k) {
      const bool against = options.correlation < 0 && k % 2 == 1;
      const double tie = std::abs(options.correlation);
      const double u = (1 - tie) * random.Unit() + tie * (against ? 1 - common : common);
      vm.demand.push_back(static_cast<Amount>(static_cast<double>(options.capacity) *
                                              (options.low + u * (options.high - options.low))));
    }
    vm.migration_bytes = vm.demand.back();
    problem.vms.push_back(vm);
    problem.hosts.push_back(
        {fmt::format("host{}", i),
         std::vector<Amount>(static_cast<std::size_t>(options.resources), options.capacity),
         consolidate::kCostScale, false});
  }
  return problem;
}

struct FleetOptions {
  int vms = 10'000;
  int shapes = 100;
  int types = 20;
  double slack = 0.5;       // hosts beyond what the demand needs, as a share
  bool placed = true;       // with a current placement: first fit in input order
  bool unit_costs = false;  // every host costs 1, instead of what its capacity is worth
  bool free_sizes = false;  // no units that sizes are multiples of
  std::uint64_t seed = 1;
};

// Flavours of a cloud: sizes in powers and ratios, popularity falling like 1/rank.
inline Problem MakeFleet(const FleetOptions& options) {
  constexpr Amount kGib = Amount{1} << 30;
  Random random(options.seed);
  Problem problem;
  problem.resources = ResourceNames(2);
  std::vector<std::pair<Amount, Amount>> flavours;
  for (int s = 0; s < options.shapes; ++s) {
    const Amount cores = Amount{1} << random.Below(5);
    const Amount ratio = 1 + random.Below(8);
    flavours.push_back({cores * 1000 - random.Below(4) * 125,
                        cores * ratio * kGib + random.Below(8) * (kGib / 8)});
    if (!options.free_sizes) continue;
    flavours.back().first -= random.Below(125);
    flavours.back().second += random.Below(1'000'000) * 134;
  }
  Amount cpu = 0, memory = 0;
  for (int i = 0; i < options.vms; ++i) {
    const double u = random.Unit();
    const auto rank =
        static_cast<std::size_t>(std::pow(static_cast<double>(options.shapes), u) - 1);
    const auto& flavour = flavours[std::min(rank, flavours.size() - 1)];
    consolidate::Vm vm;
    vm.name = fmt::format("vm{}", i);
    vm.demand = {flavour.first, flavour.second};
    vm.migration_bytes = flavour.second;
    cpu += flavour.first;
    memory += flavour.second;
    problem.vms.push_back(vm);
  }
  std::vector<std::pair<Amount, Amount>> sizes;
  for (int t = 0; t < options.types; ++t)
    sizes.push_back({(24 + 8 * random.Below(14)) * 1000, (96 + 32 * random.Below(20)) * kGib});
  Amount have_cpu = 0, have_memory = 0;
  for (int j = 0;
       static_cast<double>(have_cpu) < static_cast<double>(cpu) * (1 + options.slack) ||
       static_cast<double>(have_memory) < static_cast<double>(memory) * (1 + options.slack);
       ++j) {
    const auto& size = sizes[static_cast<std::size_t>(random.Below(options.types))];
    const Cost worth = (size.first / 100 + size.second / kGib * 3) * 1000;
    const Cost cost = options.unit_costs ? consolidate::kCostScale : worth;
    problem.hosts.push_back({fmt::format("host{}", j), {size.first, size.second}, cost, false});
    have_cpu += size.first;
    have_memory += size.second;
  }
  if (!options.placed) return problem;
  // Spread as a scheduler that balances would: each VM on the next host with room.
  std::vector<std::vector<Amount>> free;
  for (const auto& host : problem.hosts) free.push_back(host.capacity);
  std::size_t next = 0;
  for (auto& vm : problem.vms)
    for (std::size_t tries = 0; tries < free.size(); ++tries, ++next) {
      auto& room = free[next % free.size()];
      if (room[0] < vm.demand[0] || room[1] < vm.demand[1]) continue;
      room[0] -= vm.demand[0];
      room[1] -= vm.demand[1];
      vm.current = static_cast<int>(next++ % free.size());
      break;
    }
  return problem;
}

}  // namespace ballast::test

#include "autoscaler/consolidate/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

namespace ballast::consolidate {
namespace {

// Sums of sizes stay below this, so that no addition anywhere overflows.
constexpr Amount kMaxSum = Amount{1} << 61;

template <typename Thing>
Result<> CheckNames(const std::vector<Thing>& things, const char* kind) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(things.size());
  for (const Thing& thing : things) {
    if (thing.name.empty()) return Error::Invalid(fmt::format("a {} has an empty name", kind));
    if (!seen.insert(thing.name).second)
      return Error::Invalid(fmt::format("{} '{}' appears twice", kind, thing.name));
  }
  return Ok();
}

Result<> CheckSizes(const Problem& problem, const std::vector<Amount>& sizes,
                    std::vector<Amount>& totals, const std::string& owner) {
  if (sizes.size() != problem.resources.size())
    return Error::Invalid(fmt::format("{} has {} sizes for {} resources", owner, sizes.size(),
                                      problem.resources.size()));
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    if (sizes[k] < 0)
      return Error::Invalid(fmt::format("{} has a negative {}", owner, problem.resources[k]));
    if (sizes[k] > kMaxSum - totals[k])
      return Error::Invalid(
          fmt::format("{} brings the sum of {} above 2^61", owner, problem.resources[k]));
    totals[k] += sizes[k];
  }
  return Ok();
}

Result<> CheckHostList(const Problem& problem, const std::vector<int>& hosts, const Vm& vm) {
  const bool known = std::all_of(hosts.begin(), hosts.end(), [&](int host) {
    return host >= 0 && host < static_cast<int>(problem.hosts.size());
  });
  if (!known) return Error::Invalid(fmt::format("VM '{}' names an unknown host", vm.name));
  if (!std::is_sorted(hosts.begin(), hosts.end()))
    return Error::Invalid(fmt::format("VM '{}' has an unsorted host list", vm.name));
  return Ok();
}

Result<> CheckVmPlace(const Problem& problem, const Vm& vm) {
  BALLAST_TRY_DO(CheckHostList(problem, vm.allowed, vm), "pins");
  BALLAST_TRY_DO(CheckHostList(problem, vm.forbidden, vm), "forbidden hosts");
  if (vm.current < kNoHost || vm.current >= static_cast<int>(problem.hosts.size()))
    return Error::Invalid(fmt::format("VM '{}' runs on an unknown host", vm.name));
  if (vm.migration_bytes < 0)
    return Error::Invalid(fmt::format("VM '{}' has negative migration bytes", vm.name));
  const bool contradiction =
      !vm.allowed.empty() &&
      std::includes(vm.forbidden.begin(), vm.forbidden.end(), vm.allowed.begin(), vm.allowed.end());
  if (contradiction)
    return Error::Invalid(fmt::format("VM '{}' is pinned to host '{}', which is forbidden for it",
                                      vm.name, problem.hosts[vm.allowed.front()].name));
  return Ok();
}

// Two members of an anti-affinity set pinned to the same single host.
Result<> CheckPinsAgainstSet(const Problem& problem, const AntiAffinity& set) {
  std::map<int, std::vector<int>> pinned_to;
  for (const int vm : set.vms)
    if (problem.vms[vm].allowed.size() == 1)
      pinned_to[problem.vms[vm].allowed.front()].push_back(vm);
  for (const auto& [host, vms] : pinned_to)
    if (static_cast<int>(vms.size()) > set.at_most)
      return Error::Invalid(fmt::format(
          "VMs '{}' and '{}' are pinned to host '{}', but anti-affinity allows {} of them there",
          problem.vms[vms[0]].name, problem.vms[vms.back()].name, problem.hosts[host].name,
          set.at_most));
  return Ok();
}

Result<> CheckAntiAffinity(const Problem& problem) {
  for (const AntiAffinity& set : problem.anti_affinity) {
    if (set.at_most < 1) return Error::Invalid("an anti-affinity set allows less than 1 per host");
    std::unordered_set<int> seen;
    for (const int vm : set.vms) {
      if (vm < 0 || vm >= static_cast<int>(problem.vms.size()))
        return Error::Invalid("an anti-affinity set names an unknown VM");
      if (!seen.insert(vm).second)
        return Error::Invalid(
            fmt::format("VM '{}' appears twice in an anti-affinity set", problem.vms[vm].name));
    }
    BALLAST_TRY_DO(CheckPinsAgainstSet(problem, set), "contradictory pins");
  }
  return Ok();
}

}  // namespace

bool MayRunOn(const Vm& vm, int host) {
  if (!vm.allowed.empty() && !std::binary_search(vm.allowed.begin(), vm.allowed.end(), host))
    return false;
  return vm.forbidden.empty() ||
         !std::binary_search(vm.forbidden.begin(), vm.forbidden.end(), host);
}

Result<> CheckProblem(const Problem& problem) {
  if (problem.resources.empty()) return Error::Invalid("there is no resource");
  BALLAST_TRY_DO(CheckNames(problem.hosts, "host"), "hosts");
  BALLAST_TRY_DO(CheckNames(problem.vms, "VM"), "vms");
  std::vector<Amount> capacity(problem.resources.size()), demand(problem.resources.size());
  Cost cost = 0;
  for (const Host& host : problem.hosts) {
    BALLAST_TRY_DO(CheckSizes(problem, host.capacity, capacity, "host '" + host.name + "'"),
                   "hosts");
    if (host.cost < 0)
      return Error::Invalid(fmt::format("host '{}' has a negative cost", host.name));
    if (host.cost > kMaxSum - cost)
      return Error::Invalid("the sum of the hosts' costs is too large");
    cost += host.cost;
  }
  Amount bytes = 0;
  for (const Vm& vm : problem.vms) {
    BALLAST_TRY_DO(CheckSizes(problem, vm.demand, demand, "VM '" + vm.name + "'"), "vms");
    BALLAST_TRY_DO(CheckVmPlace(problem, vm), "vms");
    if (vm.migration_bytes > kMaxSum - bytes)
      return Error::Invalid("the sum of migration bytes is too large");
    bytes += vm.migration_bytes;
  }
  if (problem.max_moves.value_or(0) < 0 || problem.max_migrated_bytes.value_or(0) < 0)
    return Error::Invalid("a migration budget is negative");
  return CheckAntiAffinity(problem);
}

}  // namespace ballast::consolidate

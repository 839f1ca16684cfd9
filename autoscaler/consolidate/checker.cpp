#include "autoscaler/consolidate/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace ballast::consolidate {
namespace {

bool Contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Result<> CheckWhere(const Problem& problem, const Placement& placement) {
  if (placement.size() != problem.vms.size())
    return Error::Invalid("violates (1): the placement is not one host per VM");
  for (std::size_t i = 0; i < placement.size(); ++i) {
    const Vm& vm = problem.vms[i];
    if (placement[i] < 0 || placement[i] >= static_cast<int>(problem.hosts.size()))
      return Error::Invalid(fmt::format("violates (1): VM '{}' has no host", vm.name));
    const bool pinned_elsewhere = !vm.allowed.empty() && !Contains(vm.allowed, placement[i]);
    if (pinned_elsewhere || Contains(vm.forbidden, placement[i]))
      return Error::Invalid(fmt::format("violates (3): VM '{}' may not run on host '{}'", vm.name,
                                        problem.hosts[placement[i]].name));
  }
  return Ok();
}

Result<> CheckRoom(const Problem& problem, const Placement& placement) {
  // Sums cannot overflow: CheckProblem keeps each below 2^61.
  const std::size_t resources = problem.resources.size();
  std::vector<Amount> load(problem.hosts.size() * resources);
  for (std::size_t i = 0; i < placement.size(); ++i)
    for (std::size_t k = 0; k < resources; ++k)
      load[static_cast<std::size_t>(placement[i]) * resources + k] += problem.vms[i].demand[k];
  for (std::size_t j = 0; j < problem.hosts.size(); ++j)
    for (std::size_t k = 0; k < resources; ++k) {
      const Amount over = load[j * resources + k] - problem.hosts[j].capacity[k];
      if (over > 0)
        return Error::Invalid(fmt::format("violates (2): host '{}' is {} of {} over",
                                          problem.hosts[j].name, over, problem.resources[k]));
    }
  return Ok();
}

Result<> CheckSets(const Problem& problem, const Placement& placement) {
  for (const AntiAffinity& set : problem.anti_affinity) {
    std::map<int, int> on_host;
    for (const int vm : set.vms)
      if (++on_host[placement[static_cast<std::size_t>(vm)]] > set.at_most)
        return Error::Invalid(fmt::format(
            "violates (4): VM '{}' is one too many of its anti-affinity set on host '{}'",
            problem.vms[static_cast<std::size_t>(vm)].name,
            problem.hosts[static_cast<std::size_t>(placement[static_cast<std::size_t>(vm)])].name));
  }
  return Ok();
}

}  // namespace

Result<Audit> CheckPlacement(const Problem& problem, const Placement& placement) {
  BALLAST_TRY_DO(CheckWhere(problem, placement), "placement");
  BALLAST_TRY_DO(CheckRoom(problem, placement), "placement");
  BALLAST_TRY_DO(CheckSets(problem, placement), "placement");
  Audit audit;
  std::vector<char> on(problem.hosts.size());
  for (std::size_t j = 0; j < on.size(); ++j) on[j] = problem.hosts[j].must_stay_on;
  for (std::size_t i = 0; i < placement.size(); ++i) {
    on[static_cast<std::size_t>(placement[i])] = 1;
    const Vm& vm = problem.vms[i];
    if (vm.current == kNoHost || vm.current == placement[i]) continue;
    audit.moves += 1;
    audit.migrated_bytes += vm.migration_bytes;
  }
  for (std::size_t j = 0; j < on.size(); ++j) {
    audit.cost += on[j] ? problem.hosts[j].cost : 0;
    audit.hosts_used += on[j];
  }
  if (problem.max_moves && audit.moves > *problem.max_moves)
    return Error::Invalid(fmt::format("violates (6): {} moves where {} are allowed", audit.moves,
                                      *problem.max_moves));
  if (problem.max_migrated_bytes && audit.migrated_bytes > *problem.max_migrated_bytes)
    return Error::Invalid(fmt::format("violates (6): {} migrated bytes where {} are allowed",
                                      audit.migrated_bytes, *problem.max_migrated_bytes));
  return audit;
}

}  // namespace ballast::consolidate

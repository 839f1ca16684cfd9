#include "autoscaler/consolidate/instance.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace ballast::consolidate {
namespace {

// VMs with the same host lists, numbered; class 0 may run everywhere.
struct Restrictions {
  std::vector<int> class_of_vm;
  std::vector<std::vector<int>> classes_listing_host;  // sparse: only listed hosts differ
};

Restrictions FindRestrictions(const Problem& problem) {
  Restrictions found;
  found.class_of_vm.resize(problem.vms.size(), 0);
  found.classes_listing_host.resize(problem.hosts.size());
  std::map<std::pair<std::vector<int>, std::vector<int>>, int> classes;
  classes[{}] = 0;
  for (std::size_t i = 0; i < problem.vms.size(); ++i) {
    const Vm& vm = problem.vms[i];
    if (vm.allowed.empty() && vm.forbidden.empty()) continue;
    const auto [it, is_new] =
        classes.try_emplace({vm.allowed, vm.forbidden}, static_cast<int>(classes.size()));
    found.class_of_vm[i] = it->second;
    if (!is_new) continue;
    for (const auto* list : {&vm.allowed, &vm.forbidden})
      for (const int host : *list) {
        auto& listing = found.classes_listing_host[static_cast<std::size_t>(host)];
        // Allowed and forbidden are told apart, or two hosts would look alike.
        listing.push_back(it->second * 2 + (list == &vm.allowed ? 0 : 1));
      }
  }
  return found;
}

void GroupVms(const Problem& problem, const Restrictions& restrictions, Instance& in) {
  in.shape_of.resize(problem.vms.size());
  std::map<std::tuple<std::vector<Amount>, int, std::vector<int>>, int> shapes;
  static const std::vector<int> kNoSets;
  for (std::size_t i = 0; i < problem.vms.size(); ++i) {
    const std::vector<int>& sets = in.sets_of.empty() ? kNoSets : in.sets_of[i];
    const auto [it, is_new] =
        shapes.try_emplace({problem.vms[i].demand, restrictions.class_of_vm[i], sets},
                           static_cast<int>(in.shapes.size()));
    if (is_new) in.shapes.push_back({problem.vms[i].demand, {}, sets});
    in.shapes[static_cast<std::size_t>(it->second)].vms.push_back(static_cast<int>(i));
    in.shape_of[i] = it->second;
  }
}

void GroupHosts(const Problem& problem, const Restrictions& restrictions, Instance& in) {
  in.type_of.resize(problem.hosts.size());
  std::map<std::tuple<std::vector<Amount>, Cost, std::vector<int>>, int> types;
  for (std::size_t j = 0; j < problem.hosts.size(); ++j) {
    const Host& host = problem.hosts[j];
    const Cost cost = host.must_stay_on ? 0 : host.cost;
    if (host.must_stay_on) in.fixed_cost += host.cost;
    const auto [it, is_new] =
        types.try_emplace({host.capacity, cost, restrictions.classes_listing_host[j]},
                          static_cast<int>(in.types.size()));
    if (is_new) in.types.push_back({host.capacity, cost, {}});
    in.types[static_cast<std::size_t>(it->second)].hosts.push_back(static_cast<int>(j));
    in.type_of[j] = it->second;
    in.cost_step = std::gcd(in.cost_step, cost);
  }
}

}  // namespace

Instance MakeInstance(const Problem& problem) {
  Instance in;
  in.problem = &problem;
  in.resources = static_cast<int>(problem.resources.size());
  in.has_budget = problem.max_moves.has_value() || problem.max_migrated_bytes.has_value();
  if (!problem.anti_affinity.empty()) {
    in.sets_of.resize(problem.vms.size());
    for (std::size_t s = 0; s < problem.anti_affinity.size(); ++s)
      for (const int vm : problem.anti_affinity[s].vms)
        in.sets_of[static_cast<std::size_t>(vm)].push_back(static_cast<int>(s));
  }
  const Restrictions restrictions = FindRestrictions(problem);
  GroupVms(problem, restrictions, in);
  in.cost_step = 0;
  GroupHosts(problem, restrictions, in);
  if (in.cost_step == 0) in.cost_step = 1;
  for (const Vm& vm : problem.vms)
    in.demand.insert(in.demand.end(), vm.demand.begin(), vm.demand.end());
  for (const Host& host : problem.hosts)
    in.capacity.insert(in.capacity.end(), host.capacity.begin(), host.capacity.end());
  const bool restricted = std::any_of(problem.vms.begin(), problem.vms.end(), [](const Vm& vm) {
    return !vm.allowed.empty() || !vm.forbidden.empty();
  });
  if (restricted) {
    in.allowed.reserve(in.shapes.size() * in.types.size());
    for (const Shape& shape : in.shapes)
      for (const Type& type : in.types)
        in.allowed.push_back(
            MayRunOn(problem.vms[static_cast<std::size_t>(shape.vms.front())], type.hosts.front()));
  }
  return in;
}

}  // namespace ballast::consolidate

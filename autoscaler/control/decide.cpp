#include "autoscaler/control/decide.h"

#include <algorithm>
#include <cmath>

#include "autoscaler/allocate/host.h"
#include "autoscaler/allocate/whole_units.h"
#include "collector/base/log.h"

namespace ballast::control {
namespace {

using actuate::Resource;
using model::Field;

// Bounds for who runs away fall on a host that has been full for so long: they cost nobody
// anything, and a host that is full now and then would move them up and down for nothing.
constexpr std::chrono::seconds kBoundHold{10};

// One workload in one resource's problem.
struct Candidate {
  Tracked* tracked;
  Limit* limit;
  std::int64_t demand;
  std::int64_t guarantee;
  std::int64_t ceiling;
};

Limit& LimitOf(Tracked& tracked, Resource resource) {
  return resource == Resource::kCpu ? tracked.cpu : tracked.memory;
}

// Recommendations follow each other as limits would.
std::optional<std::int64_t> CurrentOf(const Tracked& tracked, const Limit& limit) {
  if (tracked.may_write || !limit.recommended) return limit.in_force;
  return limit.recommended;
}

// What the reserve keeps for the system on a full host is anybody's while nobody wants it.
std::int64_t CeilingOf(const NodeOptions& options, Resource resource, std::int64_t capacity) {
  if (resource != Resource::kCpu || !options.cpu_headroom.shared) return capacity;
  return std::llround(static_cast<double>(capacity) / (1 - options.cpu_reserve));
}

std::vector<Candidate> Candidates(const NodeOptions& options, const Fleet& fleet,
                                  const std::vector<forecast::Demand>& demands, Resource resource,
                                  std::int64_t capacity, BootTime at) {
  std::vector<Candidate> candidates;
  candidates.reserve(demands.size());
  for (const auto& [key, tracked] : fleet.tracked()) {
    const WorkloadRule& rule = tracked.rule;
    const bool is_cpu = resource == Resource::kCpu;
    const std::int64_t most = CeilingOf(options, resource, capacity);
    const std::int64_t ceiling =
        std::min(most, (is_cpu ? rule.max_cpu : rule.max_memory).value_or(most));
    const forecast::Demand& demand = demands[candidates.size()];
    Limit& limit = LimitOf(tracked, resource);
    // Not measured yet: it needs what it uses.
    double wanted = (is_cpu ? demand.cpu_millicores : demand.memory_bytes)
                        .value_or(static_cast<double>(limit.used));
    wanted = std::max(wanted, WithTools(options, fleet, tracked, resource, at));
    candidates.push_back({&tracked, &limit, static_cast<std::int64_t>(std::ceil(wanted)),
                          std::min(is_cpu ? rule.min_cpu : rule.min_memory, ceiling), ceiling});
  }
  return candidates;
}

allocate::Problem ToProblem(const std::vector<Candidate>& candidates, std::int64_t capacity) {
  allocate::Problem problem;
  problem.capacity = static_cast<double>(capacity);
  problem.items.reserve(candidates.size());
  for (const Candidate& one : candidates)
    problem.items.push_back({.demand = static_cast<double>(one.demand),
                             .guarantee = static_cast<double>(one.guarantee),
                             .ceiling = static_cast<double>(one.ceiling),
                             .weight = one.tracked->rule.weight,
                             .priority = one.tracked->rule.priority});
  return problem;
}

// What stands, so that the rounding of equals does not wander; 0: no limit.
std::vector<std::int64_t> AppliedOf(const std::vector<Candidate>& candidates) {
  std::vector<std::int64_t> applied;
  applied.reserve(candidates.size());
  for (const Candidate& one : candidates)
    applied.push_back(CurrentOf(*one.tracked, *one.limit).value_or(0));
  return applied;
}

// What the host has left, shared by the same rule: everybody wants headroom.
std::vector<std::int64_t> Headroom(const std::vector<Candidate>& candidates,
                                   const std::vector<std::int64_t>& allocated,
                                   std::int64_t capacity, const HeadroomOptions& options) {
  allocate::Problem rest;
  rest.items.reserve(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    capacity -= allocated[i];
    const auto wanted =
        std::max(static_cast<std::int64_t>(static_cast<double>(allocated[i]) * options.share),
                 options.least);
    const std::int64_t room = std::max<std::int64_t>(0, candidates[i].ceiling - allocated[i]);
    rest.items.push_back({.demand = static_cast<double>(std::min(wanted, room)),
                          .weight = candidates[i].tracked->rule.weight});
  }
  rest.capacity = static_cast<double>(std::max<std::int64_t>(0, capacity));
  return allocate::WholeUnits(rest, allocate::Allocate(rest));
}

// In a shared pool nobody's headroom is another's loss: each may take all that nobody uses. By use,
// not by demand: demands are recent peaks, which do not come at once, and the parent's limit holds
// all of them together. Who is outside has what its own headroom is.
std::vector<std::int64_t> SharedHeadroom(const std::vector<Candidate>& candidates,
                                         const std::vector<std::int64_t>& allocated,
                                         std::int64_t capacity, const NodeOptions& options) {
  std::vector<std::int64_t> headroom =
      Headroom(candidates, allocated, capacity, options.memory_headroom);
  const auto is_inside = [](const Candidate& one) { return one.tracked->in_pool; };
  std::int64_t free = capacity;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    free -= is_inside(candidates[i]) ? candidates[i].limit->used : allocated[i] + headroom[i];
  free = std::max<std::int64_t>(0, free);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& one = candidates[i];
    if (is_inside(one))
      headroom[i] =
          std::max<std::int64_t>(0, std::min(one.limit->used + free, one.ceiling) - allocated[i]);
  }
  return headroom;
}

// A quota of exactly the fair share would throttle whoever finds the others idle for a moment.
constexpr double kFairShares = 2;
// One thread takes no more than one CPU, whatever its quota: it runs away from nobody.
constexpr double kOneThreadMillicores = 1000;

// CPU that nobody uses is lost, and the kernel's weights divide what all want at once: quotas only
// bound. While all that is wanted now fits, everybody may take the whole host. Else each may take
// what the others leave, one CPU, and twice its fair share of what is wanted now (demands are
// recent peaks, which do not come at once).
std::vector<std::int64_t> WorkConservingHeadroom(const std::vector<Candidate>& candidates,
                                                 const std::vector<std::int64_t>& allocated,
                                                 std::int64_t capacity) {
  std::int64_t wanted = 0;
  std::int64_t used = 0;
  for (const Candidate& one : candidates) {
    wanted += one.tracked->cpu_wanted;
    used += one.limit->used;
  }
  std::vector<std::int64_t> headroom;
  headroom.reserve(candidates.size());
  const auto add = [&](std::size_t i, double most) {
    const auto bound =
        static_cast<std::int64_t>(std::min(most, static_cast<double>(candidates[i].ceiling)));
    headroom.push_back(std::max<std::int64_t>(0, bound - allocated[i]));
  };
  if (wanted <= capacity) {
    for (std::size_t i = 0; i < candidates.size(); ++i)
      add(i, static_cast<double>(candidates[i].ceiling));
    return headroom;
  }
  allocate::Problem now = ToProblem(candidates, capacity);
  for (std::size_t i = 0; i < candidates.size(); ++i)
    now.items[i].demand = static_cast<double>(candidates[i].tracked->cpu_wanted);
  const allocate::Allocation fair = allocate::Allocate(now);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& one = candidates[i];
    const double share =
        fair.status == allocate::Status::kOptimal
            ? std::max(fair.amounts[i], fair.water_level * one.tracked->rule.weight)
            : 0;
    const auto left = static_cast<double>(capacity - (used - one.limit->used));
    add(i, std::max({left, kFairShares * share, kOneThreadMillicores}));
  }
  return headroom;
}

// `reasons`: of an earlier proposal, for their memory; most end as a reason to keep what stands.
guard::Proposal ToProposal(const Candidate& one, Resource resource, std::int64_t target,
                           bool urgent, std::vector<guard::Reason> reasons) {
  guard::Proposal proposal;
  reasons.clear();
  proposal.reasons = std::move(reasons);
  proposal.current = CurrentOf(*one.tracked, *one.limit);
  proposal.target = std::max(target, one.guarantee);
  proposal.demand = one.demand;
  // CPU that is used above the fair share of a full host is what others lack: it can be taken
  // back. Memory in use never can.
  const bool takes_others = resource == Resource::kCpu && target < one.limit->used;
  proposal.used = takes_others ? 0 : one.limit->used;
  proposal.floor = one.guarantee;
  proposal.ceiling = one.ceiling;
  proposal.urgent = urgent;
  return proposal;
}

// `deserved` is the model's answer: what a workload wants above it is others'.
guard::Context ToContext(const NodeOptions& options, Candidate& one, std::int64_t deserved,
                         bool is_bound, guard::Budget& host, BootTime at) {
  const auto current = CurrentOf(*one.tracked, *one.limit).value_or(one.ceiling);
  const auto needed = std::min(one.demand, deserved);
  if (static_cast<double>(needed) >= guard::kNeededShare * static_cast<double>(current))
    one.limit->needed_at = std::max(one.limit->needed_at.value_or(at), at);
  if (is_bound && deserved >= current) one.limit->needed_at = at + kBoundHold;
  guard::Context context;
  context.at = at;
  context.history = {.needed_at = one.limit->needed_at,
                     .changed_at = one.limit->changed_at,
                     .held_until = one.limit->held_until,
                     .changes_left = one.limit->budget.Left(at),
                     .expected_hold = one.limit->hold.Expected(at),
                     .known_well = one.tracked->readings >= options.readings_before_shrink};
  context.host_changes_left = host.Left(at);
  return context;
}

// A change that nobody sees leaves its reason in the log at least.
void NoteUneconomic(Decision& decision, const Candidate& one, const guard::Proposal& proposal) {
  if (proposal.reasons.empty() || !proposal.reasons.back().trade) return;
  ++decision.uneconomic;
  BALLAST_LOG(kDebug, "kept", {"workload", one.tracked->name},
              {"why", guard::ToString(proposal.reasons.back())});
}

Change ToChange(const Candidate& one, Resource resource, allocate::Binding binding,
                std::int64_t allocated, guard::Proposal proposal) {
  Change change;
  change.group = one.tracked->group;
  change.ref = one.tracked->ref;
  change.name = one.tracked->name;
  change.resource = resource;
  change.binding = binding;
  change.demand = one.demand;
  change.allocated = allocated;
  change.guarantee = one.guarantee;
  change.ceiling = one.ceiling;
  change.weight = one.tracked->rule.weight;
  change.proposal = std::move(proposal);
  change.mode = one.tracked->mode;
  return change;
}

}  // namespace

double WithTools(const NodeOptions& options, const Fleet& fleet, const Tracked& tracked,
                 Resource resource, BootTime at) {
  const bool is_cpu = resource == Resource::kCpu;
  const forecast::Growth growth =
      (is_cpu ? fleet.cpu_tools() : fleet.tools()).Expected(tracked.group.key, at);
  const Limit& limit = is_cpu ? tracked.cpu : tracked.memory;
  return static_cast<double>(limit.used) + growth.mean +
         options.tool_sigmas * std::sqrt(growth.variance);
}

Capacity CapacityOf(const NodeOptions& options, const model::FieldSet& host, const Fleet& fleet) {
  Capacity capacity;
  if (const auto cpus = host.Get(Field::kCpusOnline); cpus && *cpus > 0)
    capacity.cpu =
        static_cast<std::int64_t>(static_cast<double>(*cpus) * 1000 * (1 - options.cpu_reserve));
  // What is free now, and what the workloads themselves hold.
  if (const auto available = host.Get(Field::kMemoryAvailableBytes)) {
    const double bytes = static_cast<double>(*available) + static_cast<double>(fleet.memory_used());
    capacity.memory = static_cast<std::int64_t>(bytes * (1 - options.memory_reserve));
  }
  if (options.memory_pool)
    capacity.memory =
        std::min(*options.memory_pool, capacity.memory.value_or(*options.memory_pool));
  return capacity;
}

Decider::Decider(const NodeOptions& options)
    : options_(&options),
      cpu_guards_(guard::MakeNodeGuards(options.cpu_guards)),
      memory_guards_(guard::MakeNodeGuards(options.memory_guards)),
      host_budget_(options.host_changes_per_second, std::chrono::seconds(1)) {}

Decision Decider::Decide(Fleet& fleet, const Capacity& capacity, const Trigger& trigger,
                         BootTime at) {
  Decision decision;
  decision.at = at;
  decision.mode = options_->mode;
  decision.trigger = trigger;
  demands_.clear();
  for (const auto& [key, tracked] : fleet.tracked())
    demands_.push_back(tracked.estimator->Estimate(at));
  const std::optional<Coupled> coupled = SolveCoupled(fleet, capacity, at);
  for (const auto& [resource, amount] :
       {std::pair{Resource::kCpu, capacity.cpu}, std::pair{Resource::kMemory, capacity.memory}})
    if (!trigger.subject || trigger.resource == resource)
      DecideResource(decision, fleet, resource, amount, coupled);
  // Who needs more does not wait behind who needs less.
  std::ranges::stable_partition(decision.changes, [](const Change& change) {
    return change.proposal.current && change.proposal.target > *change.proposal.current;
  });
  return decision;
}

// Both resources are in every answer then, also where the kernel refused one of them.
std::optional<Decider::Coupled> Decider::SolveCoupled(const Fleet& fleet, const Capacity& capacity,
                                                      BootTime at) const {
  if (options_->coupling == allocate::Coupling::kSeparate || !capacity.cpu || !capacity.memory)
    return std::nullopt;
  allocate::HostProblem host{.resources = {}, .coupling = options_->coupling};
  for (const auto& [resource, amount] :
       {std::pair{Resource::kCpu, *capacity.cpu}, std::pair{Resource::kMemory, *capacity.memory}})
    host.resources.push_back(
        {ToString(resource),
         ToProblem(Candidates(*options_, fleet, demands_, resource, amount, at), amount)});
  allocate::HostAllocation solved = allocate::Allocate(host);
  Coupled coupled;
  if (solved.status != allocate::Status::kOptimal) {
    coupled.cpu.status = coupled.memory.status = solved.status;
    coupled.cpu.explanation = coupled.memory.explanation = solved.explanation;
    return coupled;
  }
  for (std::size_t r = 0; r < host.resources.size(); ++r) {
    // In the units that are recorded: what the level is to those whose dominant resource this is,
    // and what one more unit adds to the use of it.
    allocate::Allocation& one = solved.resources[r];
    one.shadow_price = std::isfinite(one.water_level) ? 1 : 0;
    one.water_level *= host.resources[r].problem.capacity;
  }
  coupled.cpu = std::move(solved.resources[0]);
  coupled.memory = std::move(solved.resources[1]);
  return coupled;
}

void Decider::DecideResource(Decision& decision, const Fleet& fleet, Resource resource,
                             std::optional<std::int64_t> capacity,
                             const std::optional<Coupled>& coupled) {
  const bool is_cpu = resource == Resource::kCpu;
  if (!capacity) {
    decision.problem = std::string(ToString(resource)) + ": the host's capacity is not known";
    return;
  }
  std::vector<Candidate> candidates =
      Candidates(*options_, fleet, demands_, resource, *capacity, decision.at);
  const allocate::Problem problem = ToProblem(candidates, *capacity);
  const allocate::Allocation solved =
      coupled ? (is_cpu ? coupled->cpu : coupled->memory) : allocate::Allocate(problem);
  if (solved.status != allocate::Status::kOptimal) {
    decision.problem = std::string(ToString(resource)) + ": " + solved.explanation;
    return;
  }
  (is_cpu ? decision.cpu : decision.memory) =
      Pool{*capacity, solved.water_level, solved.shadow_price, solved.objective};
  const auto allocated = allocate::WholeUnits(problem, solved, AppliedOf(candidates));
  const bool only_bounds = is_cpu && options_->cpu_headroom.shared;
  const auto headroom = only_bounds ? WorkConservingHeadroom(candidates, allocated, *capacity)
                        : !is_cpu && options_->shared_pool
                            ? SharedHeadroom(candidates, allocated, *capacity, *options_)
                            : Headroom(candidates, allocated, *capacity,
                                       is_cpu ? options_->cpu_headroom : options_->memory_headroom);
  guard::Proposal proposal;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Candidate& one = candidates[i];
    const bool is_subject = decision.trigger.subject == one.tracked->group.key;
    if (decision.trigger.subject && !is_subject) continue;
    if (one.tracked->mode == Mode::kObserve) continue;
    const std::int64_t target = allocated[i] + headroom[i];
    const guard::Context context =
        ToContext(*options_, one, target, only_bounds, host_budget_, decision.at);
    const bool urgent = is_subject && decision.trigger.refused_at.has_value();
    proposal = guard::RunGuards(
        is_cpu ? cpu_guards_ : memory_guards_,
        ToProposal(one, resource, target, urgent, std::move(proposal.reasons)), context);
    if (proposal.keeps()) {
      NoteUneconomic(decision, one, proposal);
      continue;
    }
    one.limit->budget.Spend();
    host_budget_.Spend();
    decision.changes.push_back(
        ToChange(one, resource, solved.bindings[i], allocated[i], std::move(proposal)));
  }
}

}  // namespace ballast::control

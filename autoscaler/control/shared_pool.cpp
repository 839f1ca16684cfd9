#include "autoscaler/control/shared_pool.h"

#include <algorithm>
#include <cmath>

namespace ballast::control {
namespace {

using model::Field;

}  // namespace

SharedPool::SharedPool(const NodeOptions& options)
    : options_(&options),
      guards_(guard::MakeNodeGuards(options.shared_pool->guards)),
      demand_(options.shared_pool->forecast),
      limit_(options.changes_per_minute) {}

Mode SharedPool::mode() const {
  return ModeFor(*options_, options_->shared_pool->parent);
}

const model::Entity* SharedPool::FindParent(const model::State& state) {
  const auto is_parent = [&](const model::Entity& entity) {
    return entity.fields.GetText(Field::kPath) == options_->shared_pool->parent;
  };
  if (ref_)
    if (const model::Entity* known = state.Find(*ref_); known != nullptr && is_parent(*known))
      return known;
  ref_.reset();
  for (const auto& [ref, entity] : state.entities()) {
    if (!model::IsWorkload(entity.kind) || !is_parent(entity)) continue;
    ref_ = ref;
    return &entity;
  }
  return nullptr;
}

bool SharedPool::Holds(const Tracked& tracked) const {
  return tracked.in_pool;
}

bool SharedPool::IsTighterFor(const Tracked& tracked) const {
  if (!Holds(tracked) || !limit_.in_force) return false;
  return !tracked.memory.in_force ||
         *limit_.in_force - limit_.used <= *tracked.memory.in_force - tracked.memory.used;
}

// The collector records workloads; their parent only where it is one as well.
void SharedPool::Identify(const model::State& state) {
  const model::Entity* parent = FindParent(state);
  const auto recorded = parent == nullptr ? std::nullopt : model::KeyOf(parent->fields);
  if (!recorded) ref_ = model::kHostRef;
  const model::WorkloadKey key = recorded.value_or(model::WorkloadKey{});
  if (!Is(key)) {
    group_ = {key, options_->shared_pool->parent};
    adopted = give_up = false;
    limit_ = Limit(options_->changes_per_minute);
  }
  const auto high = parent == nullptr ? std::nullopt : parent->fields.Get(Field::kMemoryHighBytes);
  if (!limit_.written_at && high && *high != model::kUnlimited)
    limit_.in_force = static_cast<std::int64_t>(*high);
}

void SharedPool::Read(const model::State& state, const Fleet& fleet, BootTime at) {
  double used = 0;
  bool any = false;
  for (const auto& [workload, tracked] : fleet.tracked()) {
    if (!Holds(tracked)) continue;
    any = true;
    used += static_cast<double>(tracked.memory.used);
  }
  if (!group_ && !any) return;
  Identify(state);
  limit_.used = static_cast<std::int64_t>(used);
  demand_.Observe(used, at);
  waiting_since.reset();
  for (const auto& [workload, tracked] : fleet.waiting())
    if (tracked->waiting_since && IsTighterFor(*tracked))
      waiting_since = std::min(waiting_since.value_or(at), *tracked->waiting_since);
}

void SharedPool::Refused(BootTime at) {
  if (limit_.in_force) demand_.Refused(static_cast<double>(*limit_.in_force), at);
}

void SharedPool::Decide(Decision& decision, const Fleet& fleet,
                        std::optional<std::int64_t> capacity) {
  const BootTime at = decision.at;
  const auto wanted = demand_.Estimate(fleet.tools().ExpectedSum(at), at);
  if (!group_ || !wanted || !capacity) return;
  const bool urgent =
      decision.trigger.subject == group_->key && decision.trigger.refused_at.has_value();
  std::int64_t guaranteed = 0;
  for (const auto& [key, tracked] : fleet.tracked()) {
    const std::int64_t least = tracked.rule.min_memory;
    if (Holds(tracked))  // a right and not a reservation: what it does not use is the others'
      guaranteed += std::min(least, tracked.memory.used);
    else  // has a limit of its own, out of the same memory
      *capacity -= std::max(least, tracked.memory.used);
  }
  capacity = std::max<std::int64_t>(0, std::min(*capacity, original.value_or(*capacity)));
  last_demand_ = static_cast<std::int64_t>(std::ceil(*wanted));
  if (mode() == Mode::kObserve) return;

  Change change;
  change.group = *group_;
  change.ref = *ref_;
  change.name = options_->shared_pool->parent;
  change.resource = actuate::Resource::kMemoryPool;
  change.demand = *last_demand_;
  change.allocated = std::min(change.demand, *capacity);
  change.binding =
      change.demand > *capacity ? allocate::Binding::kCeiling : allocate::Binding::kDemand;
  change.guarantee = std::min(guaranteed, *capacity);
  change.ceiling = *capacity;
  change.mode = mode();

  guard::Proposal proposal;
  proposal.current =
      mode() == Mode::kAuto || !limit_.recommended ? limit_.in_force : limit_.recommended;
  proposal.target = change.allocated;
  proposal.demand = change.demand;
  proposal.used = limit_.used;
  proposal.floor = change.guarantee;
  // A pool that nobody bounded yet gets its size at once: there is nothing to take back slowly.
  proposal.ceiling =
      proposal.current ? change.ceiling : std::max(change.allocated, change.guarantee);
  proposal.urgent = urgent;
  const guard::Context context{.at = at,
                               .history = {.needed_at = limit_.needed_at,
                                           .changed_at = limit_.changed_at,
                                           .held_until = limit_.held_until,
                                           .changes_left = limit_.budget.Left(at),
                                           .expected_hold = limit_.hold.Expected(at),
                                           .known_well = true},
                               .host_changes_left = 1};
  change.proposal = guard::RunGuards(guards_, std::move(proposal), context);
  if (change.proposal.keeps()) return;
  limit_.budget.Spend();
  // What the workloads may grow into is there before their own limits say so, and goes after them.
  const bool falls = change.proposal.current && change.proposal.target < *change.proposal.current;
  decision.changes.insert(falls ? decision.changes.end() : decision.changes.begin(),
                          std::move(change));
}

}  // namespace ballast::control

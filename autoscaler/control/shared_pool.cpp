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

bool SharedPool::may_write() const {
  // The parent is written only where everything below it may be: it is a prefix itself.
  return options_->mode == Mode::kAuto && group_ &&
         std::ranges::any_of(options_->auto_prefixes, [&](const std::string& prefix) {
           return actuate::IsBelow(group_->path, prefix);
         });
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

void SharedPool::Read(const model::State& state, const Fleet& fleet, BootTime at) {
  const model::Entity* parent = FindParent(state);
  const auto key = parent == nullptr ? std::nullopt : model::KeyOf(parent->fields);
  if (!key) return;
  if (!Is(*key)) {
    group_ = {*key, options_->shared_pool->parent};
    adopted = false;
    limit_ = Limit(options_->changes_per_minute);
  }
  const auto high = parent->fields.Get(Field::kMemoryHighBytes);
  if (!limit_.written_at && high && *high != model::kUnlimited)
    limit_.in_force = static_cast<std::int64_t>(*high);
  double used = 0;
  for (const auto& [workload, tracked] : fleet.tracked())
    used += static_cast<double>(tracked.memory.used);
  limit_.used = static_cast<std::int64_t>(used);
  demand_.Observe(used, at);
}

void SharedPool::Refused(BootTime at) {
  if (limit_.in_force) demand_.Refused(static_cast<double>(*limit_.in_force), at);
}

void SharedPool::Decide(Decision& decision, const Fleet& fleet,
                        std::optional<std::int64_t> capacity) {
  const BootTime at = decision.at;
  const auto wanted = demand_.Estimate(fleet.tools().ExpectedSum(), at);
  if (!group_ || !wanted || !capacity) return;
  const bool urgent = decision.trigger.subject == group_->key;
  std::int64_t guaranteed = 0;
  for (const auto& [key, tracked] : fleet.tracked()) guaranteed += tracked.rule.min_memory;

  Change change;
  change.group = *group_;
  change.ref = *ref_;
  change.name = options_->shared_pool->parent;
  change.resource = actuate::Resource::kMemoryPool;
  change.demand = static_cast<std::int64_t>(std::ceil(*wanted));
  change.allocated = std::min(change.demand, *capacity);
  change.binding =
      change.demand > *capacity ? allocate::Binding::kCeiling : allocate::Binding::kDemand;
  change.guarantee = std::min(guaranteed, *capacity);
  change.ceiling = *capacity;
  change.may_write = may_write();

  guard::Proposal proposal;
  proposal.current = may_write() || !limit_.recommended ? limit_.in_force : limit_.recommended;
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
                                           .known_well = true},
                               .host_changes_left = 1};
  change.proposal = guard::RunGuards(guards_, std::move(proposal), context);
  if (change.proposal.keeps()) return;
  limit_.budget.Spend();
  // Before the workloads' own limits: what they may grow into must be there first.
  decision.changes.insert(decision.changes.begin(), std::move(change));
}

}  // namespace ballast::control

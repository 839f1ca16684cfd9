#include "autoscaler/control/degradation.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::control {
namespace {

using model::Field;

// What everybody is stalled by for so large a part of the time is no short wait.
constexpr double kStalledShare = 0.2;
// The kernel brings the totals of PSI up to date every 2 s.
constexpr std::chrono::seconds kStallIsNews{5};
// What is expected to come matters where it could be too much.
constexpr double kPlenty = 0.5;
constexpr std::int64_t kLeastCpu = 10;  // millicores: what the kernel takes as a quota, and more

std::int64_t Needed(const Tracked& tracked) {
  return tracked.memory_needed > 0 ? static_cast<std::int64_t>(tracked.memory_needed)
                                   : tracked.memory.used;
}

model::Event Begin(const guard::DegradeStep& step, const Tracked& tracked, std::uint64_t id,
                   model::EventKind kind, const actuate::Actuation& done) {
  Change outcome;
  outcome.done = done;
  model::Event event;
  event.kind = kind;
  event.subject = tracked.ref;
  event.key = tracked.group.key;
  event.fields.Set(Field::kDecisionId, id);
  event.fields.SetText(Field::kMode, ToString(Mode::kAuto));
  event.fields.SetText(Field::kOrigin, "node");
  event.fields.SetText(Field::kTrigger, "memory_short");
  event.fields.SetText(Field::kOutcome, OutcomeOf(outcome));
  event.fields.SetText(Field::kReason, std::string(step.reason));
  event.fields.SetText(Field::kText, tracked.name + ": " + Describe(step));
  if (!done.error.empty()) event.fields.SetText(Field::kError, done.error);
  return event;
}

}  // namespace

Degradation::Degradation(const NodeOptions& options)
    : options_(&options), degrader_(options.degrade) {
  const bool priorities_differ = std::ranges::any_of(options.rules, [&](const WorkloadRule& rule) {
    return rule.priority != options.defaults.priority ||
           rule.priority != options.rules.front().priority;
  });
  is_on_ = options.mode == Mode::kAuto && priorities_differ &&
           options.degrade.most != guard::DegradeLevel::kNone;
}

bool Degradation::IsStalled(const Tracked& tracked, const model::State& state, BootTime at) {
  const model::Entity* entity = state.Find(tracked.ref);
  const auto full =
      entity == nullptr ? std::nullopt : entity->fields.Get(Field::kPressureMemoryFullNs);
  if (!full) return false;
  Stall& stall = stalls_[tracked.group.key];
  if (*full != stall.full_ns) {
    const auto stalled = static_cast<double>(*full - std::min(*full, stall.full_ns));
    stall.is_stalled = stall.at != BootTime{} &&
                       stalled > kStalledShare * static_cast<double>((at - stall.at).count());
    stall.full_ns = *full;
    stall.at = at;
  }
  return stall.is_stalled && at - stall.at < kStallIsNews;
}

std::vector<guard::DegradeStep> Degradation::Judge(const Fleet& fleet, const model::State& state,
                                                   const SharedPool* pool, std::int64_t capacity,
                                                   const std::optional<model::WorkloadKey>& refused,
                                                   BootTime at) {
  guard::MemoryRoom room;
  std::vector<guard::DegradeMember> members;
  std::vector<const Tracked*> who;
  std::int64_t used = 0;
  for (const auto& [key, tracked] : fleet.tracked()) {
    if (pool != nullptr && !pool->Holds(tracked)) {
      capacity -= tracked.memory.used;
      continue;
    }
    used += Needed(tracked);
    who.push_back(&tracked);
  }
  if (pool != nullptr) capacity = std::min(capacity, pool->original.value_or(capacity));
  room.capacity = std::max<std::int64_t>(0, capacity);
  room.free = capacity - used;
  const bool is_plenty =
      static_cast<double>(room.free) > kPlenty * static_cast<double>(room.capacity);
  members.reserve(who.size());
  for (const Tracked* tracked : who) {
    guard::DegradeMember& member = members.emplace_back();
    member.key = tracked->group.key;
    member.priority = tracked->rule.priority;
    member.used = member.demand = Needed(*tracked);
    member.may_act = tracked->may_write && tracked->adopted;
    if (is_plenty) continue;
    const auto demand = tracked->estimator->Estimate(at).memory_bytes;
    if (demand) member.demand = static_cast<std::int64_t>(*demand);
    member.waits = tracked->waiting_since.has_value() || refused == member.key ||
                   IsStalled(*tracked, state, at);
  }
  if (is_plenty) stalls_.clear();
  return degrader_.Judge(room, members, at);
}

std::int64_t ThrottledCpu(const Tracked& tracked) {
  return std::max(tracked.rule.min_cpu, kLeastCpu);
}

std::string Describe(const guard::DegradeStep& step) {
  constexpr double kMiB = 1 << 20;
  return fmt::format("{} -> {} ({}: {:.1f} MiB free, it takes {:.1f} MiB/s)",
                     guard::ToString(step.from), guard::ToString(step.to), step.reason,
                     static_cast<double>(step.free) / kMiB, step.growth_per_second / kMiB);
}

model::Event ToEvent(const guard::DegradeStep& step, const Tracked& tracked, std::uint64_t id,
                     const actuate::Actuation& done) {
  model::Event event = Begin(step, tracked, id, model::EventKind::kDecision, done);
  model::EntityRow row{tracked.ref, {}, {}, {}, {}};
  row.fields.Set(Field::kCgroupId, tracked.group.key.cgroup_id);
  row.fields.Set(Field::kHierarchyId, tracked.group.key.hierarchy_id);
  row.fields.Set(Field::kDecisionId, id);
  for (const Field field : {Field::kMode, Field::kTrigger, Field::kOutcome})
    row.fields.SetText(field, std::string(event.fields.GetText(field)));
  row.fields.SetText(Field::kReason, Describe(step));
  event.rows.push_back(std::move(row));
  return event;
}

model::Event ToActuationEvent(const guard::DegradeStep& step, const Tracked& tracked,
                              std::uint64_t id, const actuate::Actuation& done) {
  model::Event event = Begin(step, tracked, id, model::EventKind::kActuation, done);
  if (!done.file.empty()) event.fields.SetText(Field::kFile, done.file);
  if (!done.before.empty()) event.fields.SetText(Field::kValueBefore, done.before);
  if (!done.after.empty()) event.fields.SetText(Field::kValueAfter, done.after);
  if (done.outcome == actuate::Outcome::kApplied)
    event.fields.Set(Field::kWrittenTimeNs, static_cast<std::uint64_t>(done.written_at.count()));
  return event;
}

}  // namespace ballast::control

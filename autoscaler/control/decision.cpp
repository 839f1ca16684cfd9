#include "autoscaler/control/decision.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::control {
namespace {

using actuate::Outcome;
using actuate::Resource;
using model::Field;
using model::FieldSet;

// Which fields carry one resource.
struct ResourceFields {
  Field demand, allocated, limit, previous, guarantee, ceiling, water_level, shadow_price, capacity;
};
constexpr ResourceFields kCpuFields = {
    Field::kDemandCpuMillicores,   Field::kAllocatedCpuMillicores, Field::kLimitCpuMillicores,
    Field::kPreviousCpuMillicores, Field::kGuaranteeCpuMillicores, Field::kCeilingCpuMillicores,
    Field::kWaterLevelCpu,         Field::kShadowPriceCpu,         Field::kCapacityCpuMillicores};
constexpr ResourceFields kMemoryFields = {
    Field::kDemandMemoryBytes,   Field::kAllocatedMemoryBytes, Field::kLimitMemoryBytes,
    Field::kPreviousMemoryBytes, Field::kGuaranteeMemoryBytes, Field::kCeilingMemoryBytes,
    Field::kWaterLevelMemory,    Field::kShadowPriceMemory,    Field::kCapacityMemoryBytes};

const ResourceFields& FieldsOf(Resource resource) {
  return resource == Resource::kCpu ? kCpuFields : kMemoryFields;
}

void SetPool(FieldSet& fields, const std::optional<Pool>& pool, const ResourceFields& names) {
  if (!pool) return;
  fields.Set(names.capacity, static_cast<std::uint64_t>(pool->capacity));
  fields.SetReal(names.water_level, pool->water_level);
  fields.SetReal(names.shadow_price, pool->shadow_price);
}

void SetTrigger(FieldSet& fields, const Decision& decision) {
  fields.Set(Field::kDecisionId, decision.id);
  fields.SetText(Field::kMode, ToString(decision.mode));
  fields.SetText(Field::kOrigin, "node");
  fields.SetText(Field::kTrigger, decision.trigger.what);
  if (decision.trigger.refused_at)
    fields.Set(Field::kTriggerTimeNs,
               static_cast<std::uint64_t>(decision.trigger.refused_at->count()));
}

// What was in force before: nobody wants a huge number for "no limit".
std::uint64_t OrUnlimited(const std::optional<std::int64_t>& limit) {
  return limit ? static_cast<std::uint64_t>(*limit) : model::kUnlimited;
}

void SetChange(FieldSet& fields, const Change& change) {
  const ResourceFields& names = FieldsOf(change.resource);
  const auto set = [&](Field field, std::int64_t value) {
    fields.Set(field, static_cast<std::uint64_t>(value));
  };
  set(names.demand, change.demand);
  set(names.allocated, change.allocated);
  set(names.limit, change.proposal.target);
  fields.Set(names.previous, OrUnlimited(change.proposal.current));
  set(names.guarantee, change.guarantee);
  set(names.ceiling, change.ceiling);
  fields.SetReal(Field::kWeight, change.weight);
}

void AppendText(FieldSet& fields, Field field, const std::string& text) {
  const std::string_view there = fields.GetText(field);
  fields.SetText(field, there.empty() ? text : std::string(there) + "; " + text);
}

// One row per workload, whether one or both of its limits change.
model::EntityRow& RowOf(model::Event& event, const Change& change) {
  const auto found = std::ranges::find(event.rows, change.ref, &model::EntityRow::ref);
  if (found != event.rows.end()) return *found;
  model::EntityRow& row = event.rows.emplace_back(model::EntityRow{change.ref, {}, {}, {}, {}});
  // References are of the collector's incarnation; a row that arrives late is matched by its key.
  row.fields.Set(Field::kCgroupId, change.group.key.cgroup_id);
  row.fields.Set(Field::kHierarchyId, change.group.key.hierarchy_id);
  return row;
}

std::string Amount(Resource resource, const std::optional<std::int64_t>& amount) {
  if (!amount) return "unlimited";
  if (resource == Resource::kCpu) return fmt::format("{}m", *amount);
  return fmt::format("{:.1f}MiB", static_cast<double>(*amount) / (1 << 20));
}

std::string Summary(const Decision& decision) {
  if (decision.changes.empty()) return decision.problem;
  constexpr std::size_t kNamed = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamed, decision.changes.size()); ++i) {
    const Change& change = decision.changes[i];
    text += fmt::format("{}{}: {}", i == 0 ? "" : "; ", change.name, Describe(change));
  }
  if (decision.changes.size() > kNamed)
    text += fmt::format("; and {} more", decision.changes.size() - kNamed);
  return text;
}

}  // namespace

const char* OutcomeOf(const Change& change) {
  if (!change.done) return "recommended";
  switch (change.done->outcome) {
    case Outcome::kApplied:
    case Outcome::kUnchanged:
      return "applied";
    case Outcome::kForeign:
    case Outcome::kGone:
      return "held";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kFailed:
      return "failed";
  }
  return "failed";
}

std::string ReasonOf(const Change& change) {
  std::string text = ToString(change.binding);
  for (const guard::Reason& reason : change.proposal.reasons)
    text += "; " + guard::ToString(reason);
  return text;
}

std::string Describe(const Change& change) {
  return fmt::format("{} {} -> {} ({})", ToString(change.resource),
                     Amount(change.resource, change.proposal.current),
                     Amount(change.resource, change.proposal.target), ReasonOf(change));
}

model::Event ToEvent(const Decision& decision) {
  model::Event event;
  event.kind = model::EventKind::kDecision;
  SetTrigger(event.fields, decision);
  SetPool(event.fields, decision.cpu, kCpuFields);
  SetPool(event.fields, decision.memory, kMemoryFields);
  double objective = 0;
  for (const auto& pool : {decision.cpu, decision.memory})
    if (pool) objective += pool->objective;
  event.fields.SetReal(Field::kObjective, objective);
  event.fields.SetText(Field::kText, Summary(decision));
  if (!decision.problem.empty()) event.fields.SetText(Field::kError, decision.problem);
  for (const Change& change : decision.changes) {
    FieldSet& fields = RowOf(event, change).fields;
    SetChange(fields, change);
    fields.Set(Field::kDecisionId, decision.id);
    fields.SetText(Field::kMode, ToString(change.mode));
    fields.SetText(Field::kTrigger, decision.trigger.what);
    AppendText(fields, Field::kOutcome, OutcomeOf(change));
    AppendText(fields, Field::kBinding, ToString(change.binding));
    AppendText(fields, Field::kReason, ReasonOf(change));
  }
  if (!decision.changes.empty()) {
    event.subject = decision.changes.front().ref;
    if (decision.changes.front().group.key.cgroup_id != 0)
      event.key = decision.changes.front().group.key;
    event.fields.SetText(Field::kOutcome, OutcomeOf(decision.changes.front()));
  }
  return event;
}

model::Event ToActuationEvent(const Decision& decision, const Change& change) {
  model::Event event;
  event.kind = model::EventKind::kActuation;
  event.subject = change.ref;
  if (change.group.key.cgroup_id != 0) event.key = change.group.key;
  FieldSet& fields = event.fields;
  SetTrigger(fields, decision);
  SetChange(fields, change);
  fields.SetText(Field::kOutcome, OutcomeOf(change));
  fields.SetText(Field::kReason, ReasonOf(change));
  if (!change.done) return event;
  const actuate::Actuation& done = *change.done;
  if (!change.owner.empty()) fields.SetText(Field::kText, "through " + change.owner);
  if (!done.file.empty()) fields.SetText(Field::kFile, done.file);
  if (!done.before.empty()) fields.SetText(Field::kValueBefore, done.before);
  if (!done.after.empty()) fields.SetText(Field::kValueAfter, done.after);
  if (!done.error.empty()) fields.SetText(Field::kError, done.error);
  if (done.outcome == Outcome::kApplied)
    fields.Set(Field::kWrittenTimeNs, static_cast<std::uint64_t>(done.written_at.count()));
  return event;
}

}  // namespace ballast::control

#include "dashboards/cli/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "collector/serve/json_writer.h"
#include "collector/serve/record_json.h"
#include "dashboards/cli/record_file.h"

namespace ballast::cli {
namespace {

using model::EventKind;
using model::Field;
using model::FieldSet;

// Which fields carry one resource.
struct Names {
  const char* resource;
  Field demand, allocated, guarantee, ceiling, before, after, capacity, water_level, shadow_price;
};
constexpr std::array kNames = {
    Names{"cpu", Field::kDemandCpuMillicores, Field::kAllocatedCpuMillicores,
          Field::kGuaranteeCpuMillicores, Field::kCeilingCpuMillicores,
          Field::kPreviousCpuMillicores, Field::kLimitCpuMillicores, Field::kCapacityCpuMillicores,
          Field::kWaterLevelCpu, Field::kShadowPriceCpu},
    Names{"memory", Field::kDemandMemoryBytes, Field::kAllocatedMemoryBytes,
          Field::kGuaranteeMemoryBytes, Field::kCeilingMemoryBytes, Field::kPreviousMemoryBytes,
          Field::kLimitMemoryBytes, Field::kCapacityMemoryBytes, Field::kWaterLevelMemory,
          Field::kShadowPriceMemory},
};

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find("; "), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return parts;
}

std::optional<ExplainedLimit> LimitOf(const FieldSet& fields, const Names& names) {
  if (!fields.Has(names.after)) return std::nullopt;
  ExplainedLimit limit;
  limit.resource = names.resource;
  limit.demand = fields.Get(names.demand);
  limit.allocated = fields.Get(names.allocated);
  limit.guarantee = fields.Get(names.guarantee);
  limit.ceiling = fields.Get(names.ceiling);
  limit.before = fields.Get(names.before);
  limit.after = fields.Get(names.after);
  return limit;
}

bool Rises(const ExplainedLimit& limit) {
  return limit.before && limit.after && *limit.after > *limit.before;
}

// A row has the texts of all its limits one after the other, in the order of the decision: who
// needs more comes first. "demand; shrink step: 430; water_level": what has no colon begins a
// limit.
void ShareOutTexts(const FieldSet& fields, std::vector<ExplainedLimit>& limits) {
  std::vector<ExplainedLimit*> order;
  for (ExplainedLimit& limit : limits) order.push_back(&limit);
  std::ranges::stable_partition(order, [](const ExplainedLimit* one) { return Rises(*one); });
  const std::vector<std::string> bindings = Split(fields.GetText(Field::kBinding));
  const std::vector<std::string> outcomes = Split(fields.GetText(Field::kOutcome));
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i < bindings.size()) order[i]->binding = bindings[i];
    if (i < outcomes.size()) order[i]->outcome = outcomes[i];
  }
  std::size_t begun = 0;
  for (const std::string& part : Split(fields.GetText(Field::kReason))) {
    if (part.find(':') == std::string::npos) {
      ++begun;
    } else if (begun > 0 && begun <= order.size()) {
      order[begun - 1]->reasons.push_back(part);
    }
  }
}

std::string Amount(std::string_view resource, std::uint64_t amount) {
  if (amount == model::kUnlimited) return "unlimited";
  if (resource == "cpu") return fmt::format("{}m", amount);
  return fmt::format("{:.1f} MiB", static_cast<double>(amount) / (1 << 20));
}

std::string Level(std::string_view resource, double level) {
  // A dominant share is not an amount.
  if (resource == "cpu") return fmt::format("{:.3g}m", level);
  return level < 1024 ? fmt::format("{:.3g}", level)
                      : Amount(resource, static_cast<std::uint64_t>(level));
}

std::string_view Meaning(std::string_view binding) {
  if (binding == "demand") return "all that it asks for";
  if (binding == "ceiling") return "its ceiling";
  if (binding == "guarantee") return "its guarantee, above its share of what is scarce";
  if (binding == "water_level") return "its share of what is scarce";
  if (binding == "coupled") return "as much as goes with what it gets of the other resource";
  return binding;
}

std::string LimitText(const ExplainedLimit& limit) {
  const auto amount = [&](const std::optional<std::uint64_t>& value) {
    return value ? Amount(limit.resource, *value) : std::string("?");
  };
  std::string text =
      fmt::format("  {:<7} wants {}, guaranteed {}, at most {}\n", limit.resource,
                  amount(limit.demand), amount(limit.guarantee), amount(limit.ceiling));
  text += fmt::format("          the model gives {}: {} ({})\n", amount(limit.allocated),
                      Meaning(limit.binding), limit.binding);
  for (const std::string& reason : limit.reasons)
    text += fmt::format("          guard: {}\n", reason);
  text += fmt::format("          limit {} -> {}: {}{}\n", amount(limit.before), amount(limit.after),
                      limit.outcome, limit.error.empty() ? "" : ": " + limit.error);
  if (!limit.file.empty())
    text += fmt::format("          {}: {} -> {}{}\n", limit.file, limit.value_before,
                        limit.value_after, limit.through.empty() ? "" : ", " + limit.through);
  if (limit.reaction_ns)
    text += fmt::format("          in force {:.2f} ms after the kernel's refusal\n",
                        static_cast<double>(*limit.reaction_ns) / 1e6);
  return text;
}

void WriteAmount(serve::JsonWriter& json, std::string_view key,
                 const std::optional<std::uint64_t>& value) {
  if (!value) return;
  json.Key(key);
  *value == model::kUnlimited ? json.Text("max") : json.Number(*value);
}

void WriteText(serve::JsonWriter& json, std::string_view key, const std::string& text) {
  if (!text.empty()) json.Key(key).Text(text);
}

void WriteLimit(serve::JsonWriter& json, const ExplainedLimit& limit) {
  json.Key(limit.resource).BeginObject();
  WriteAmount(json, "demand", limit.demand);
  WriteAmount(json, "guarantee", limit.guarantee);
  WriteAmount(json, "ceiling", limit.ceiling);
  WriteAmount(json, "allocated", limit.allocated);
  json.Key("binding").Text(limit.binding).Key("reasons").BeginArray();
  for (const std::string& reason : limit.reasons) json.Text(reason);
  json.EndArray();
  WriteAmount(json, "before", limit.before);
  WriteAmount(json, "after", limit.after);
  json.Key("outcome").Text(limit.outcome);
  WriteText(json, "file", limit.file);
  WriteText(json, "value_before", limit.value_before);
  WriteText(json, "value_after", limit.value_after);
  WriteText(json, "through", limit.through);
  WriteText(json, "error", limit.error);
  if (limit.reaction_ns) json.Key("reaction_ns").Signed(*limit.reaction_ns);
  json.EndObject();
}

}  // namespace

void Explainer::Add(const model::Record& record) {
  const auto* event = std::get_if<model::Event>(&record.body);
  // A death takes the name with it, so the event is looked at first.
  if (event != nullptr && event->kind == EventKind::kDecision) AddDecision(record, *event);
  if (event != nullptr && event->kind == EventKind::kActuation) AddActuation(record, *event);
  state_.Apply(record);
}

void Explainer::AddDecision(const model::Record& record, const model::Event& event) {
  const FieldSet& fields = event.fields;
  const auto id = fields.Get(Field::kDecisionId);
  if (!id) return;
  first_id_ = std::min(first_id_.value_or(*id), *id);
  last_id_ = *id;
  Explanation one;
  one.id = *id;
  one.incarnation = record.header.incarnation;
  one.host = record.header.host;
  one.mode = fields.GetText(Field::kMode);
  one.origin = fields.GetText(Field::kOrigin);
  one.trigger = fields.GetText(Field::kTrigger);
  one.problem = fields.GetText(Field::kError);
  one.at = record.header.at;
  one.wall = record.header.at + record.header.wall_offset;
  one.is_late = fields.Get(Field::kLate).value_or(0) != 0;
  if (const auto refused = fields.Get(Field::kTriggerTimeNs))
    one.refused_at = BootTime(static_cast<std::int64_t>(*refused));
  for (const Names& names : kNames)
    if (const auto capacity = fields.Get(names.capacity))
      one.pools.push_back({names.resource, *capacity,
                           fields.GetReal(names.water_level).value_or(INFINITY),
                           fields.GetReal(names.shadow_price).value_or(0)});
  for (const model::EntityRow& row : event.rows) {
    ExplainedWorkload workload;
    if (const model::Entity* entity = state_.Find(row.ref)) {
      workload.name = serve::DisplayName(entity->fields);
      workload.path = entity->fields.GetText(Field::kPath);
    }
    workload.weight = row.fields.GetReal(Field::kWeight).value_or(1);
    workload.mode = row.fields.GetText(Field::kMode);
    for (const Names& names : kNames)
      if (auto limit = LimitOf(row.fields, names)) workload.limits.push_back(*std::move(limit));
    ShareOutTexts(row.fields, workload.limits);
    one.workloads.push_back(std::move(workload));
  }
  if (!IsWished(one)) return;
  if (found_.size() == kMostKept) {
    found_.erase(found_.begin());
    ++forgotten_;
  }
  found_.push_back(std::move(one));
}

bool Explainer::IsWished(const Explanation& one) const {
  if (wish_.id && *wish_.id != one.id) return false;
  return wish_.workload.empty() || std::ranges::any_of(one.workloads, [&](const auto& workload) {
           return workload.name == wish_.workload || workload.path == wish_.workload;
         });
}

// Actuations follow their decision.
void Explainer::AddActuation(const model::Record& record, const model::Event& event) {
  const FieldSet& fields = event.fields;
  const auto id = fields.Get(Field::kDecisionId);
  if (!id || found_.empty() || !event.subject) return;
  Explanation& last = found_.back();
  if (last.id != *id || last.incarnation != record.header.incarnation) return;
  const model::Entity* entity = state_.Find(*event.subject);
  const std::string_view path =
      entity == nullptr ? std::string_view() : entity->fields.GetText(Field::kPath);
  for (ExplainedWorkload& workload : last.workloads) {
    if (workload.path != path) continue;
    for (ExplainedLimit& limit : workload.limits) {
      const Names& names = kNames[limit.resource == "cpu" ? 0 : 1];
      if (!fields.Has(names.after)) continue;
      limit.outcome = fields.GetText(Field::kOutcome);
      limit.file = fields.GetText(Field::kFile);
      limit.value_before = fields.GetText(Field::kValueBefore);
      limit.value_after = fields.GetText(Field::kValueAfter);
      limit.error = fields.GetText(Field::kError);
      limit.through = fields.GetText(Field::kText);
      const auto written = fields.Get(Field::kWrittenTimeNs);
      if (written && last.refused_at)
        limit.reaction_ns = static_cast<std::int64_t>(*written) - last.refused_at->count();
    }
  }
}

std::string ToText(const Explanation& one) {
  std::string text =
      fmt::format("decision {} of {} on {} at {}, mode {}{}\n", one.id, one.origin, one.host,
                  WallTimeOf(one.wall), one.mode, one.is_late ? " (recorded late)" : "");
  text += fmt::format("  because of {}{}\n", one.trigger,
                      one.refused_at ? ", refused by the kernel at " +
                                           WallTimeOf(*one.refused_at + (one.wall - one.at))
                                     : "");
  if (!one.problem.empty()) text += fmt::format("  not solved: {}\n", one.problem);
  for (const ExplainedPool& pool : one.pools) {
    const std::string level = std::isfinite(pool.water_level)
                                  ? fmt::format("full at a water level of {} per unit of weight",
                                                Level(pool.resource, pool.water_level))
                                  : "nobody is short";
    text += fmt::format("  {:<7} {} to share, {}; one unit more is worth {:g}\n", pool.resource,
                        Amount(pool.resource, pool.capacity), level, pool.shadow_price);
  }
  for (const ExplainedWorkload& workload : one.workloads) {
    text += fmt::format("{} ({}), weight {:g}, mode {}\n",
                        workload.name.empty() ? "(gone)" : workload.name, workload.path,
                        workload.weight, workload.mode);
    for (const ExplainedLimit& limit : workload.limits) text += LimitText(limit);
  }
  return text;
}

std::string ToJson(const Explanation& one) {
  std::string line;
  serve::JsonWriter json(line);
  json.BeginObject().Key("decision_id").Number(one.id).Key("host").Text(one.host);
  json.Key("incarnation").Number(one.incarnation).Key("origin").Text(one.origin);
  json.Key("mode").Text(one.mode).Key("trigger").Text(one.trigger);
  json.Key("at_ns").Signed(one.at.count()).Key("wall_ns").Signed(one.wall.count());
  if (one.refused_at) json.Key("refused_at_ns").Signed(one.refused_at->count());
  if (one.is_late) json.Key("late").Bool(true);
  WriteText(json, "error", one.problem);
  json.Key("model").BeginObject();
  for (const ExplainedPool& pool : one.pools)
    json.Key(pool.resource)
        .BeginObject()
        .Key("capacity")
        .Number(pool.capacity)
        .Key("water_level")
        .Real(pool.water_level)
        .Key("shadow_price")
        .Real(pool.shadow_price)
        .EndObject();
  json.EndObject().Key("workloads").BeginArray();
  for (const ExplainedWorkload& workload : one.workloads) {
    json.BeginObject().Key("name").Text(workload.name).Key("path").Text(workload.path);
    json.Key("weight").Real(workload.weight).Key("mode").Text(workload.mode);
    for (const ExplainedLimit& limit : workload.limits) WriteLimit(json, limit);
    json.EndObject();
  }
  json.EndArray().EndObject();
  return line;
}

}  // namespace ballast::cli

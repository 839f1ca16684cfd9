#include "collector/export/exposition.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "collector/export/family.h"
#include "collector/export/sample_text.h"

namespace ballast::exposition {

using model::Entity;
using model::EntityKind;
using model::Field;
using model::FieldSet;

namespace {

// cAdvisor's six, always all of them, so that a family's series differ in values only.
std::string IdentityLabels(const FieldSet& fields, std::string_view id) {
  std::string labels;
  AppendLabel(labels, "id", id);
  AppendLabel(labels, "image", fields.GetText(Field::kImage));
  AppendLabel(labels, "name", fields.GetText(Field::kName));
  AppendLabel(labels, "container", fields.GetText(Field::kContainer));
  AppendLabel(labels, "pod", fields.GetText(Field::kPod));
  AppendLabel(labels, "namespace", fields.GetText(Field::kNamespace));
  return labels;
}

std::string InfoLabels(const Entity& entity) {
  std::string labels;
  AppendLabel(labels, "kind", NameOf(entity.kind));
  AppendLabel(labels, "runtime", entity.fields.GetText(Field::kRuntime));
  AppendLabel(labels, "agent", entity.fields.GetText(Field::kAgent));
  AppendLabel(labels, "qos", entity.fields.GetText(Field::kQos));
  return labels;
}

// The value behind the series' name; false: this entity has none.
bool AppendValue(std::string& out, const Series& series, const FieldSet& fields,
                 const Context& context) {
  if (series.show == Show::kDerived) {
    const auto value = series.derive(fields, context);
    if (value) AppendNumber(out, *value);
    return value.has_value();
  }
  const auto value = fields.Get(series.field);
  if (!value) return false;
  const bool is_unlimited = *value == model::kUnlimited;
  switch (series.show) {
    case Show::kSeconds:
      AppendSeconds(out, *value);
      return true;
    case Show::kMicroseconds:
      if (!is_unlimited) AppendNumber(out, *value / 1000);
      return !is_unlimited;
    case Show::kCores:
      if (!is_unlimited) AppendNumber(out, static_cast<double>(*value) / 1e3);
      return !is_unlimited;
    case Show::kLimit:
      AppendNumber(out, is_unlimited ? std::uint64_t{0} : *value);
      return true;
    case Show::kAsIs:
      AppendNumber(out, *value);
      return true;
    case Show::kHistogram:
    case Show::kDerived:
      break;
  }
  return false;
}

}  // namespace

// One entity of a page: where its values are and what its labels read.
struct Exposition::Target {
  std::string labels;
  std::string info;  // workloads: labels of the info family
  const FieldSet* fields = nullptr;
  bool is_dead = false;
};

struct Exposition::Targets {
  FieldSet host;
  std::vector<Target> of[5];  // by Group
  std::unordered_map<std::uint32_t, std::string>
      workload_labels;  // by reference, for their children

  std::vector<Target>& Of(Group group) { return of[static_cast<std::size_t>(group)]; }
};

void Exposition::Observe(const model::State& before, const model::Record& record) {
  const bool is_known =
      before.is_whole() && before.header().incarnation == record.header.incarnation;
  if (!is_known) {
    dead_.clear();
    last_decision_.ClearAll();
  }
  const auto* event = std::get_if<model::Event>(&record.body);
  if (event == nullptr) return;
  if (event->kind == model::EventKind::kDecision) last_decision_.Merge(event->fields);
  if (event->kind != model::EventKind::kWorkloadDied || !event->subject || !is_known) return;
  const Entity* entity = before.Find(*event->subject);
  if (entity == nullptr) return;
  Dead dead{*entity, options_.pages_after_death};
  for (const model::EntityRow& row : event->rows)
    if (row.ref == *event->subject) dead.entity.fields.Merge(row.fields);
  dead_.push_back(std::move(dead));
  // Between two scrapes of a host that makes sandboxes by the thousand.
  if (dead_.size() > options_.max_workloads) dead_.erase(dead_.begin());
}

void Exposition::AddChild(const model::State& state, const Entity& entity, Targets& targets) {
  const auto add = [&](Group group, std::string_view label, std::string_view value) {
    const auto parent = targets.workload_labels.find(static_cast<std::uint32_t>(entity.parent));
    std::string labels = parent == targets.workload_labels.end() ? "" : parent->second;
    if (labels.empty() && entity.parent != model::kHostRef) return;  // its workload was left out
    if (labels.empty()) labels = IdentityLabels(state.host(), "/");
    AppendLabel(labels, label, value);
    targets.Of(group).push_back({std::move(labels), {}, &entity.fields});
  };
  const std::string_view name = entity.fields.GetText(Field::kName);
  const std::string_view device = entity.fields.GetText(Field::kDevice);
  if (entity.kind == EntityKind::kDevice)
    add(Group::kDevice, "device", device.empty() ? name : device);
  if (entity.kind == EntityKind::kInterface) add(Group::kInterface, "interface", name);
  if (entity.kind == EntityKind::kLoss) {
    std::string labels;
    AppendLabel(labels, "map", entity.fields.GetText(Field::kMap));
    AppendLabel(labels, "reason", entity.fields.GetText(Field::kReason));
    targets.Of(Group::kLoss).push_back({std::move(labels), {}, &entity.fields});
  }
}

void Exposition::Collect(const model::State& state, Targets& targets) {
  targets.host = state.host();
  targets.host.Merge(last_decision_);
  targets.Of(Group::kHost).push_back({"", {}, &targets.host});
  auto& workloads = targets.Of(Group::kWorkload);
  workloads.reserve(state.entities().size() + dead_.size());
  workloads.push_back({IdentityLabels(state.host(), "/"), {}, &state.host()});
  std::unordered_set<std::string> seen = {workloads.front().labels};

  const auto add = [&](const Entity& entity, bool is_dead) -> const std::string* {
    if (workloads.size() > options_.max_workloads) {
      ++left_out_.over_limit;
      return nullptr;
    }
    auto [labels, is_new] =
        seen.insert(IdentityLabels(entity.fields, entity.fields.GetText(Field::kPath)));
    if (is_new) {
      workloads.push_back({*labels, InfoLabels(entity), &entity.fields, is_dead});
      return &*labels;
    }
    // The dead one gave way to its successor: that is no loss.
    if (!is_dead) ++left_out_.same_labels;
    return nullptr;
  };
  for (const auto& [ref, entity] : state.entities()) {
    if (model::IsWorkload(entity.kind)) {
      if (const auto* labels = add(entity, false))
        targets.workload_labels[static_cast<std::uint32_t>(ref)] = *labels;
    } else if (entity.kind != EntityKind::kHost) {
      AddChild(state, entity, targets);  // parents come first
    }
  }
  for (const Dead& dead : dead_) add(dead.entity, true);
}

// The samples of one family; its HELP and TYPE come with the first.
class Exposition::FamilyWriter {
 public:
  FamilyWriter(const Family& family, const Context& context, std::string& page)
      : family_(family), context_(context), page_(page) {}

  void Write(const Target& target) {
    // A dead workload uses nothing any more; only what it added up stays.
    if (target.is_dead && family_.spec.kind == metrics::Kind::kGauge) return;
    for (std::size_t i = 0; i < family_.series_count; ++i) Write(target, family_.series[i]);
  }

 private:
  void Write(const Target& target, const Series& series) {
    if (series.show == Show::kHistogram) {
      const model::Histogram* histogram = target.fields->FindHistogram(series.field);
      if (histogram == nullptr) return;
      Begin();
      return AppendHistogram(page_, family_.spec.name, target.labels, *histogram);
    }
    value_.clear();
    if (!AppendValue(value_, series, *target.fields, context_)) return;
    Begin();
    const std::string_view more =
        family_.has_info_labels ? std::string_view(target.info) : series.labels;
    AppendSeries(page_, family_.spec.name, "", target.labels, more);
    page_.append(value_).append("\n");
  }

  void Begin() {
    if (std::exchange(is_begun_, true)) return;
    page_.append("# HELP ")
        .append(family_.spec.name)
        .append(" ")
        .append(family_.spec.help)
        .append("\n# TYPE ");
    page_.append(family_.spec.name).append(" ").append(NameOf(family_.spec.kind)).append("\n");
  }

  const Family& family_;
  const Context& context_;
  std::string& page_;
  std::string value_;
  bool is_begun_ = false;
};

void Exposition::Write(const model::State& state, std::string& page) {
  if (!state.is_whole()) return;
  const Context context{state.header().at + state.header().wall_offset, state.header().wall_offset};
  Targets targets;
  Collect(state, targets);
  for (const Family& family : AllFamilies()) {
    FamilyWriter writer(family, context, page);
    for (const Target& target : targets.Of(family.group)) writer.Write(target);
  }
  std::erase_if(dead_, [](Dead& dead) { return --dead.pages_left <= 0; });
}

}  // namespace ballast::exposition

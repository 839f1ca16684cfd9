#include "collector/export/exposition.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <unordered_map>

#include "collector/export/family.h"
#include "collector/export/labels.h"

namespace ballast::exposition {

using model::Entity;
using model::EntityKind;
using model::EntityRef;
using model::Field;
using model::FieldSet;

namespace {

std::uint64_t Bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

double WindowNs(Peak peak) {
  return peak == Peak::kCpu10ms ? 1e7 : peak == Peak::kCpu100ms ? 1e8 : 1e9;
}

std::string_view DeviceName(const FieldSet& fields) {
  const auto name = fields.GetText(Field::kName);
  return name.empty() ? fields.GetText(Field::kDevice) : name;
}

// What a child is ranked by where only the first few are shown.
std::uint64_t ScoreOf(Group group, const FieldSet& fields) {
  const auto sum = [&](Field a, Field b) {
    return fields.Get(a).value_or(0) + fields.Get(b).value_or(0);
  };
  switch (group) {
    case Group::kDevice:
      return sum(Field::kIoReadBytes, Field::kIoWriteBytes);
    case Group::kInterface:
      return sum(Field::kNetworkReceiveBytes, Field::kNetworkTransmitBytes);
    case Group::kTool:
      return fields.Get(Field::kCalls).value_or(0);
    case Group::kBlame:
      return fields.Get(Field::kBlameWaitNs).value_or(0);
    case Group::kExit:
      return fields.Get(Field::kVmExits).value_or(0);
    default:
      return 0;
  }
}

std::optional<Group> GroupOf(EntityKind kind) {
  switch (kind) {
    case EntityKind::kDevice:
      return Group::kDevice;
    case EntityKind::kInterface:
      return Group::kInterface;
    case EntityKind::kVcpu:
      return Group::kVcpu;
    case EntityKind::kExit:
      return Group::kExit;
    case EntityKind::kBlame:
      return Group::kBlame;
    case EntityKind::kTool:
      return Group::kTool;
    case EntityKind::kLoss:
      return Group::kLoss;
    case EntityKind::kHost:
    case EntityKind::kContainer:
    case EntityKind::kVm:
    case EntityKind::kSlice:
      break;
  }
  return std::nullopt;
}

// A VM's children stand under libvirt's names, too.
std::optional<Group> DomainGroupOf(Group group) {
  switch (group) {
    case Group::kVcpu:
      return Group::kDomainVcpu;
    case Group::kDevice:
      return Group::kDomainDevice;
    case Group::kInterface:
      return Group::kDomainInterface;
    default:
      return std::nullopt;
  }
}

}  // namespace

// Fills one snapshot.
class Exposition::Builder {
 public:
  Builder(const ExpositionOptions& options, const History& history, LeftOut& left_out,
          const model::State& state, const std::optional<Scope>& scope, Snapshot& snapshot)
      : options_(options),
        history_(history),
        left_out_(left_out),
        state_(state),
        scope_(scope),
        snapshot_(snapshot),
        context_{state.header().at + state.header().wall_offset, state.header().wall_offset} {
    for (const Family& family : AllFamilies())
      families_[static_cast<std::size_t>(family.group)].push_back(&family);
    for (std::size_t group = 0; group < families_.size(); ++group)
      snapshot_.tables[group].columns.resize(ColumnsOf(static_cast<Group>(group)));
  }

  void Build() {
    const std::size_t most = state_.entities().size() + history_.dead().size() + 1;
    parents_.reserve(most);
    seen_[static_cast<std::size_t>(Group::kWorkload)].reserve(most);
    for (auto& column : snapshot_.Of(Group::kWorkload).columns) column.reserve(most);
    if (!scope_) AddHost();
    for (const auto& [ref, entity] : state_.entities()) {
      if (model::IsWorkload(entity.kind)) {
        AddWorkload(ref, entity, false);
      } else if (const auto group = GroupOf(entity.kind)) {
        children_[static_cast<std::size_t>(*group)].push_back(
            {&entity, ScoreOf(*group, entity.fields)});
      }
    }
    for (const History::Dead& dead : history_.dead()) AddWorkload(dead.ref, dead.entity, true);
    AddChildren(Group::kDevice, options_.devices);
    AddChildren(Group::kInterface, options_.interfaces);
    AddChildren(Group::kTool, options_.tools);
    AddChildren(Group::kBlame, options_.blame);
    AddChildren(Group::kVcpu, options_.vcpus);
    AddChildren(Group::kExit, options_.exits);
    if (!scope_) AddChildren(Group::kLoss, options_.losses);
  }

 private:
  struct Child {
    const Entity* entity = nullptr;
    std::uint64_t score = 0;
  };
  struct Parent {
    std::string_view labels;  // of its row
    std::string domain;       // VMs only
  };

  std::string IdentityLabels(const FieldSet& fields, std::string_view id) const {
    std::string labels;
    labels.reserve(192);
    // cAdvisor's six, always all of them, so that a family's series differ in values only.
    Append(labels, "id", id);
    Append(labels, "image", fields.GetText(Field::kImage));
    Append(labels, "name", fields.GetText(Field::kName));
    Append(labels, "container", fields.GetText(Field::kContainer));
    Append(labels, "pod", fields.GetText(Field::kPod));
    Append(labels, "namespace", fields.GetText(Field::kNamespace));
    return labels;
  }
  void Append(std::string& labels, std::string_view name, std::string_view value) const {
    AppendLabel(labels, snapshot_.format, name, value);
  }

  std::string InfoLabels(const Entity& entity) const {
    std::string labels;
    Append(labels, "kind", NameOf(entity.kind));
    Append(labels, "runtime", entity.fields.GetText(Field::kRuntime));
    Append(labels, "agent", entity.fields.GetText(Field::kAgent));
    Append(labels, "qos", entity.fields.GetText(Field::kQos));
    return labels;
  }

  // False: a row of the group has the same labels already.
  bool AddRow(Group group, std::string labels, EntityRef ref, const FieldSet& fields,
              bool is_dead = false) {
    Snapshot::Table& table = snapshot_.Of(group);
    table.labels.push_back(std::move(labels));
    auto& seen = seen_[static_cast<std::size_t>(group)];
    if (!seen.emplace(table.labels.back(), table.rows() - 1).second) {
      table.labels.pop_back();
      return false;
    }
    table.is_dead.push_back(is_dead);
    for (const Family* family : families_[static_cast<std::size_t>(group)])
      for (std::size_t i = 0; i < family->series_count; ++i) {
        // A dead workload uses nothing any more; only what it added up stays.
        const bool is_over = is_dead && family->spec.kind == metrics::Kind::kGauge;
        table.columns[family->first_column + i].push_back(
            is_over ? kAbsent : Value(family->series[i], ref, fields));
      }
    return true;
  }

  std::uint64_t Value(const Series& series, EntityRef ref, const FieldSet& fields) {
    if (series.show == Show::kDerived) {
      const auto value = series.derive(fields, context_);
      return value ? Bits(*value) : kAbsent;
    }
    if (series.show == Show::kHistogram) {
      const model::Histogram* histogram = fields.FindHistogram(series.field);
      if (histogram == nullptr) return kAbsent;
      snapshot_.histograms.push_back(*histogram);
      return snapshot_.histograms.size() - 1;
    }
    if (series.show == Show::kTally) return TallyOf(series.tally, ref, fields);
    auto value = fields.Get(series.field);
    if (series.show == Show::kPeak) value = std::max(value, history_.FindPeak(ref, series.peak));
    if (!value) return kAbsent;
    const bool is_unlimited = *value == model::kUnlimited;
    if (series.show == Show::kLimit) return is_unlimited ? 0 : *value;
    if (is_unlimited) return kAbsent;
    if (series.show == Show::kMicroseconds) return *value / 1000;
    if (series.show == Show::kCores) return Bits(static_cast<double>(*value) / 1e3);
    if (series.show == Show::kPeak && series.peak != Peak::kMemory)
      return Bits(static_cast<double>(*value) / WindowNs(series.peak));
    return *value;
  }

  // Kills are counted from zero, so that the first one is an increase; limit changes only where
  // there are some.
  std::uint64_t TallyOf(Tally tally, EntityRef ref, const FieldSet& fields) const {
    const bool is_oom = tally <= Tally::kOomHost;
    if (const auto* tallies = history_.FindTallies(ref))
      return (*tallies)[static_cast<std::size_t>(tally)];
    return is_oom && fields.Has(Field::kOomKills) ? 0 : kAbsent;
  }

  void AddHost() {
    host_ = state_.host();
    host_.Merge(history_.last_decision());
    AddRow(Group::kHost, "", model::kHostRef, host_);
    AddRow(Group::kWorkload, IdentityLabels(state_.host(), "/"), model::kHostRef, state_.host());
    parents_[model::kHostRef] = {snapshot_.Of(Group::kWorkload).labels.back(), ""};
    snapshot_.Of(Group::kWorkload).info.emplace_back();
  }

  void AddWorkload(EntityRef ref, const Entity& entity, bool is_dead) {
    if (scope_ && !scope_->Includes(entity.fields)) return;
    Snapshot::Table& table = snapshot_.Of(Group::kWorkload);
    if (table.rows() > options_.max_workloads) return Count(left_out_.over_limit, Group::kWorkload);
    if (!AddRow(Group::kWorkload,
                IdentityLabels(entity.fields, entity.fields.GetText(Field::kPath)), ref,
                entity.fields, is_dead)) {
      // The dead one gave way to its successor: that is no loss.
      if (!is_dead) Count(left_out_.same_labels, Group::kWorkload);
      return;
    }
    table.info.push_back(InfoLabels(entity));
    if (is_dead) return;
    Parent& parent = parents_[ref];
    parent.labels = table.labels.back();
    if (entity.kind == EntityKind::kVm) AddDomain(ref, entity, parent);
  }

  void AddDomain(EntityRef ref, const Entity& entity, Parent& parent) {
    const auto guest = entity.fields.GetText(Field::kGuestName);
    Append(parent.domain, "domain", guest.empty() ? entity.fields.GetText(Field::kName) : guest);
    if (!AddRow(Group::kDomain, parent.domain, ref, entity.fields))
      Count(left_out_.same_labels, Group::kDomain);
  }

  void AddChildren(Group group, const RowLimit& limit) {
    auto& children = children_[static_cast<std::size_t>(group)];
    // By parent, the highest score first; of equals the older.
    std::ranges::stable_sort(children, [](const Child& a, const Child& b) {
      if (a.entity->parent != b.entity->parent) return a.entity->parent < b.entity->parent;
      return a.score > b.score;
    });
    std::vector<Child> shown;
    for (std::size_t i = 0, of_parent = 0; i < children.size(); ++i) {
      const bool is_same = i > 0 && children[i].entity->parent == children[i - 1].entity->parent;
      of_parent = is_same ? of_parent + 1 : 0;
      const bool is_visible =
          group == Group::kLoss || parents_.contains(children[i].entity->parent);
      if (!is_visible) continue;  // its workload was left out
      of_parent < limit.per_workload ? shown.push_back(children[i])
                                     : Count(left_out_.over_limit, group);
    }
    if (shown.size() > limit.total) {
      std::ranges::stable_sort(shown, std::greater(), &Child::score);
      left_out_.over_limit[static_cast<std::size_t>(group)] += shown.size() - limit.total;
      shown.resize(limit.total);
    }
    for (const Child& child : shown) AddChild(group, *child.entity);
  }

  void AddChild(Group group, const Entity& child) {
    const FieldSet& fields = child.fields;
    std::string labels(group == Group::kLoss ? "" : parents_[child.parent].labels);
    AppendChildLabels(labels, group, fields);
    if (group == Group::kBlame && AddToHolder(labels, fields)) return;
    if (!AddRow(group, std::move(labels), child.parent, fields))
      return Count(left_out_.same_labels, group);
    if (group == Group::kTool) {
      const Exemplar* exemplar =
          history_.FindExemplar(child.parent, fields.GetText(Field::kProgram));
      snapshot_.Of(group).exemplars.push_back(exemplar == nullptr ? Exemplar{} : *exemplar);
    }
    const auto domain_group = DomainGroupOf(group);
    const std::string& domain = parents_[child.parent].domain;
    if (!domain_group || domain.empty()) return;
    std::string domain_labels = domain;
    if (group == Group::kVcpu)
      AppendChildLabels(domain_labels, group, fields);
    else
      Append(domain_labels, "target_device", DeviceName(fields));
    if (!AddRow(*domain_group, std::move(domain_labels), child.parent, fields))
      Count(left_out_.same_labels, *domain_group);
  }

  void AppendChildLabels(std::string& labels, Group group, const FieldSet& fields) const {
    switch (group) {
      case Group::kDevice: {
        // As cAdvisor and the mixins' selectors have it.
        const auto name = fields.GetText(Field::kName);
        Append(labels, "device",
               name.empty() ? fields.GetText(Field::kDevice) : "/dev/" + std::string(name));
        break;
      }
      case Group::kInterface:
        Append(labels, "interface", fields.GetText(Field::kName));
        break;
      case Group::kTool:
        Append(labels, "program", fields.GetText(Field::kProgram));
        break;
      case Group::kVcpu:
        Append(labels, "vcpu", std::to_string(fields.Get(Field::kVcpuIndex).value_or(0)));
        break;
      case Group::kExit:
        Append(labels, "reason", fields.GetText(Field::kReason));
        break;
      case Group::kBlame:
        AppendHolder(labels, fields);
        break;
      case Group::kLoss:
        Append(labels, "map", fields.GetText(Field::kMap));
        Append(labels, "reason", fields.GetText(Field::kReason));
        break;
      default:
        break;
    }
  }

  // Who held the CPU. A tenant is not told about others.
  void AppendHolder(std::string& labels, const FieldSet& fields) const {
    const EntityRef ref{static_cast<std::uint32_t>(fields.Get(Field::kHolder).value_or(0))};
    const Entity* holder = ref == model::kHostRef ? nullptr : state_.Find(ref);
    std::string_view id = ref == model::kHostRef ? "/" : "gone";
    std::string_view name = ref == model::kHostRef ? "host" : "gone";
    if (scope_ && (holder == nullptr || !scope_->Includes(holder->fields))) {
      id = name = "other";
    } else if (holder != nullptr) {
      id = holder->fields.GetText(Field::kPath);
      name = holder->fields.GetText(Field::kName);
    }
    Append(labels, "holder_id", id);
    Append(labels, "holder_name", name);
  }

  // Several holders may bear one name: "gone", or "other" for a tenant.
  bool AddToHolder(const std::string& labels, const FieldSet& fields) {
    const auto& seen = seen_[static_cast<std::size_t>(Group::kBlame)];
    const auto found = seen.find(labels);
    if (found == seen.end()) return false;
    snapshot_.Of(Group::kBlame).columns[0][found->second] +=
        fields.Get(Field::kBlameWaitNs).value_or(0);
    return true;
  }

  static void Count(auto& counters, Group group) { ++counters[static_cast<std::size_t>(group)]; }

  static constexpr auto kGroups = static_cast<std::size_t>(Group::kNum);
  const ExpositionOptions& options_;
  const History& history_;
  LeftOut& left_out_;
  const model::State& state_;
  const std::optional<Scope>& scope_;
  Snapshot& snapshot_;
  Context context_;
  FieldSet host_;
  std::array<std::vector<const Family*>, kGroups> families_;
  std::array<std::unordered_map<std::string_view, std::size_t>, kGroups> seen_;  // labels -> row
  std::array<std::vector<Child>, kGroups> children_;
  std::unordered_map<EntityRef, Parent> parents_;  // those that the page shows
};

std::shared_ptr<Snapshot> Exposition::Take(const model::State& state, Format format,
                                           const std::optional<Scope>& scope) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->format = format;
  if (!state.is_whole()) return snapshot;
  Builder(options_, history_, left_out_, state, scope, *snapshot).Build();
  history_.CountPage(state.header().at);
  return snapshot;
}

}  // namespace ballast::exposition

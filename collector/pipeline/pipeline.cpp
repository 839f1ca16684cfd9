#include "collector/pipeline/pipeline.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "collector/base/log.h"

namespace ballast::pipeline {
namespace {

using model::EventKind;
using model::Field;

// A source that fails does so ten times a second; the log hears of it when it
// begins, when it ends, and this often in between.
constexpr std::chrono::minutes kRepeatLog{1};

model::EntityRow WholeRow(const discover::Workload& workload) {
  return {workload.ref, workload.kind, std::nullopt, workload.identity, {}};
}

// "most memory: agent-2 512 MiB, agent-1 64 MiB": whom to look at after an OOM kill.
std::string LargestWorkloads(const model::State& state) {
  constexpr std::size_t kShown = 3;
  std::vector<std::pair<std::uint64_t, const model::FieldSet*>> largest;
  for (const auto& [ref, entity] : state.entities())
    if (const auto usage = entity.fields.Get(Field::kMemoryUsageBytes);
        usage && model::IsWorkload(entity.kind))
      largest.emplace_back(*usage, &entity.fields);
  const auto end = largest.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, largest.size()));
  std::ranges::partial_sort(largest, end, std::greater<>{});
  std::string text;
  for (auto at = largest.begin(); at != end; ++at) {
    const std::string_view name = at->second->GetText(Field::kName);
    text.append(text.empty() ? "most memory: " : ", ")
        .append(name.empty() ? at->second->GetText(Field::kPath) : name)
        .append(" ")
        .append(std::to_string(at->first >> 20))
        .append(" MiB");
  }
  return text;
}

// What the autoscaler may say about an entity; everything else is measured.
model::FieldSet DecisionFieldsOf(const model::FieldSet& fields) {
  const auto is_decision = [](Field field) {
    return model::InfoOf(field).scope == model::FieldScope::kScopeDecision ||
           field == Field::kReason;
  };
  model::FieldSet kept;
  fields.ForEachNumber([&](Field field, std::uint64_t value) {
    if (is_decision(field)) kept.Set(field, value);
  });
  for (const auto& [field, text] : fields.texts())
    if (is_decision(field)) kept.SetText(field, text);
  return kept;
}

}  // namespace

Pipeline::Pipeline(PipelineOptions options, HostIdentity identity, const Clock& clock,
                   discover::Registry registry,
                   std::vector<std::unique_ptr<source::Source>> sources, PublishFn publish)
    : options_(options),
      clock_(clock),
      sequencer_(std::move(identity), clock, std::move(publish)),
      registry_(std::move(registry)),
      sources_(std::move(sources)),
      store_(options.max_slot, [this] { return registry_.NextRef(); }) {
  for (const auto& source : sources_) counters_.sources.push_back({.name = source->name()});
}

void Pipeline::Start() {
  last_tick_ = last_key_ = last_scan_ = clock_.Now();
  Apply(registry_.Scan(last_scan_));
  Tick();
  sequencer_.WriteKey();
  ++counters_.key_records;
}

void Pipeline::Tick() {
  const BootTime now = clock_.Now();
  if (now - last_tick_ > 2 * options_.tick) ++counters_.late_ticks;
  last_tick_ = now;
  if (registry_.wants_scan() || now - last_scan_ >= options_.scan) {
    last_scan_ = now;
    Apply(registry_.Scan(now));
  } else {
    Apply(registry_.Settle(now));
  }

  store_.Begin();
  for (const auto& source : sources_) source->KeepQuiet(store_);
  for (std::size_t i = 0; i < sources_.size(); ++i) Collect(i);
  ++counters_.ticks;
  model::FieldSet& host = store_.Of(source::kHostSlot);
  host.Set(Field::kWorkloadsTracked, registry_.counts().tracked);
  host.Set(Field::kTicksLate, counters_.late_ticks);
  host.Set(Field::kTickNs, static_cast<std::uint64_t>((clock_.Now() - now).count()));
  sequencer_.Write(store_.End());
  WriteKeyIfDue(now);
}

void Pipeline::WriteKeyIfDue(BootTime now) {
  if (now - last_key_ < options_.key) return;
  last_key_ = now;
  sequencer_.WriteKey();
  ++counters_.key_records;
}

void Pipeline::Collect(std::size_t index) {
  NoteOutcome(index, sources_[index]->Collect(store_));
}

void Pipeline::NoteOutcome(std::size_t index, const Result<>& outcome) {
  SourceCounters& counters = counters_.sources[index];
  const bool failing = !outcome;
  if (failing) ++counters.errors;
  const BootTime now = clock_.Now();
  const bool turned = failing != counters.failing;
  counters.failing = failing;
  if (!turned && (!failing || now - last_log_ < kRepeatLog)) return;

  if (failing) {
    last_log_ = now;
    BALLAST_LOG(kWarn, "source failed; its fields are absent until it works again",
                {"source", counters.name}, {"errors", counters.errors},
                {"why", outcome.error().ToString()});
  } else {
    BALLAST_LOG(kInfo, "source works again", {"source", counters.name});
  }
  if (!turned) return;
  model::Event event{EventKind::kSource, std::nullopt, std::nullopt, {}, {}};
  event.fields.SetText(Field::kName, counters.name);
  event.fields.SetText(Field::kOutcome, failing ? "failed" : "recovered");
  if (failing) event.fields.SetText(Field::kError, outcome.error().ToString());
  WriteEvent(std::move(event));
}

void Pipeline::Drain(source::Source& source) {
  source.Drain(*this);
}

void Pipeline::OnEvent(source::SourceEvent event) {
  const discover::Workload* workload =
      event.slot == source::kHostSlot ? nullptr : registry_.Find(event.slot);
  // An OOM kill outside every workload is the host's; nothing else is.
  const bool is_hosts = event.slot == source::kHostSlot && event.kind == EventKind::kOomKill;
  if (workload == nullptr && !is_hosts) {
    ++counters_.ignored_events;
    return;
  }
  model::Event record{event.kind, model::kHostRef, std::nullopt, std::move(event.fields), {}};
  if (workload != nullptr) {
    record.subject = workload->ref;
    record.key = workload->key;
    store_.Touch(event.slot);
  }
  if (record.kind == EventKind::kOomKill)
    if (const std::string largest = LargestWorkloads(state()); !largest.empty())
      record.fields.SetText(Field::kText, largest);
  WriteEvent(std::move(record));
}

void Pipeline::OnCgroup(const source::CgroupChange& change) {
  const auto kind = change.kind == source::CgroupChange::Kind::kMade
                        ? discover::CgroupHint::Kind::kMade
                        : discover::CgroupHint::Kind::kRemoved;
  Apply(registry_.OnCgroup({kind, change.hierarchy_id, change.id, change.path}, clock_.Now()));
}

void Pipeline::TakeNames() {
  for (const discover::Named& named : namer_->Take()) {
    const discover::Workload* workload = registry_.Find(named.slot);
    // The slot may have got another owner while the runtime was asked.
    if (workload != nullptr && workload->ref == named.ref)
      OnIdentity(named.slot, std::nullopt, named.identity);
  }
}

void Pipeline::OnIdentity(source::Slot slot, std::optional<model::EntityKind> kind,
                          const model::FieldSet& identity) {
  if (!registry_.Describe(slot, kind, identity)) return;
  const discover::Workload& workload = registry_.Get(slot);
  WriteEvent({EventKind::kWorkloadChanged, workload.ref, workload.key, {}, {WholeRow(workload)}});
}

void Pipeline::Apply(const discover::Changes& changes) {
  for (const source::Slot slot : changes.died) Die(slot);
  for (const source::Slot slot : changes.born) Bear(slot);
  for (const source::Slot slot : changes.changed) Change(slot);
}

void Pipeline::Bear(source::Slot slot) {
  const discover::Workload& workload = registry_.Get(slot);
  store_.Add(slot, workload.ref);
  TrackInSources(workload);
  WriteEvent({EventKind::kWorkloadBorn, workload.ref, workload.key, {}, {WholeRow(workload)}});
  const std::string_view id = workload.identity.GetText(Field::kContainerId);
  if (namer_ && !id.empty())
    namer_->Want({slot, workload.ref, std::string(id),
                  std::string(workload.identity.GetText(Field::kNamespace))});
}

// Directories are the sources' business; the record does not name them.
void Pipeline::Change(source::Slot slot) {
  TrackInSources(registry_.Get(slot));
  store_.Touch(slot);
}

void Pipeline::TrackInSources(const discover::Workload& workload) {
  for (const auto& source : sources_) {
    const auto tracked =
        source->Track({workload.slot, workload.key, workload.directories, workload.ref});
    // A container can be gone before it is looked at; its death follows.
    if (!tracked && tracked.error().code() != std::errc::no_such_file_or_directory)
      BALLAST_LOG(kWarn, "workload is not measured by a source", {"source", source->name()},
                  {"path", workload.path}, {"why", tracked.error().ToString()});
  }
}

void Pipeline::Die(source::Slot slot) {
  const discover::Workload& workload = registry_.Get(slot);
  model::FieldSet last = store_.Last(slot);
  for (const auto& source : sources_) source->ReadFinal(slot, last);
  model::EntityRow row{workload.ref, std::nullopt, std::nullopt, {}, {}};
  row.fields = model::FieldDifference::Between(store_.Last(slot), last).changed;
  WriteEvent({EventKind::kWorkloadDied, workload.ref, workload.key, {}, {std::move(row)}});
  for (const auto& source : sources_) source->Untrack(slot);
  if (namer_) namer_->Forget(slot);
  store_.Remove(slot);
  registry_.Release(slot);
}

void Pipeline::Submit(model::Record submitted) {
  auto* event = std::get_if<model::Event>(&submitted.body);
  if (event == nullptr) {
    ++counters_.refused_submissions;
    return;
  }
  const bool same = submitted.header.incarnation == sequencer_.incarnation();
  std::vector<model::EntityRow> rows;
  for (const model::EntityRow& row : event->rows) {
    std::optional<model::EntityRef> ref = row.ref;
    // References of another incarnation mean nothing here; the host is the host.
    if (!same && row.ref != model::kHostRef) {
      const auto key = model::KeyOf(row.fields);
      ref = key ? state().FindWorkload(*key) : std::nullopt;
    }
    if (ref && state().Find(*ref) != nullptr)
      rows.push_back({*ref, std::nullopt, std::nullopt, DecisionFieldsOf(row.fields), {}});
  }
  event->rows = std::move(rows);
  if (event->key) event->subject = state().FindWorkload(*event->key);
  WriteEvent(std::move(*event));
}

void Pipeline::WriteEvent(model::Event event) {
  ++counters_.event_records;
  sequencer_.Write(std::move(event));
}

}  // namespace ballast::pipeline

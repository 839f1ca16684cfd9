#include "collector/export/history.h"

#include <algorithm>

namespace ballast::exposition {

using model::EntityRef;
using model::EventKind;
using model::Field;
using model::FieldSet;

namespace {

constexpr std::size_t At(Tally tally) {
  return static_cast<std::size_t>(tally);
}
constexpr std::array kPeakFields = {Field::kCpuPeak10msNs, Field::kCpuPeak100msNs,
                                    Field::kCpuPeak1sNs, Field::kMemoryTickPeakBytes};

Tally TallyOfCause(std::string_view cause) {
  if (cause == "own_limit") return Tally::kOomOwnLimit;
  return cause == "ancestor" ? Tally::kOomAncestor : Tally::kOomHost;
}

}  // namespace

void History::Forget() {
  dead_.clear();
  last_decision_.ClearAll();
  tallies_.clear();
  peaks_.clear();
  exemplars_.clear();
}

void History::Observe(const model::State& before, const model::Record& record) {
  const bool is_known =
      before.is_whole() && before.header().incarnation == record.header.incarnation;
  if (!is_known) Forget();
  RotatePeaks(record.header.at);
  if (const auto* tick = std::get_if<model::Tick>(&record.body))
    for (const model::EntityRow& row : tick->rows) ObservePeaks(row);
  if (const auto* event = std::get_if<model::Event>(&record.body); event != nullptr && is_known)
    ObserveEvent(before, record, *event);
}

void History::RotatePeaks(BootTime at) {
  if (at - window_began_ < options_.peak_window) return;
  // After a pause of the records nothing of before is recent.
  const bool is_stale = at - window_began_ > 2 * options_.peak_window;
  window_began_ = at;
  for (auto& [ref, window] : peaks_) window = {Peaks{}, is_stale ? Peaks{} : window.now};
  std::erase_if(peaks_, [](const auto& entry) {
    return std::ranges::none_of(entry.second.before,
                                [](const auto& peak) { return peak.has_value(); });
  });
}

void History::ObservePeaks(const model::EntityRow& row) {
  for (std::size_t i = 0; i < kPeakFields.size(); ++i) {
    const auto value = row.fields.Get(kPeakFields[i]);
    if (!value) continue;
    auto& peak = peaks_[row.ref].now[i];
    peak = std::max(peak.value_or(0), *value);
  }
}

void History::ObserveEvent(const model::State& before, const model::Record& record,
                           const model::Event& event) {
  if (event.kind == EventKind::kDecision) last_decision_.Merge(event.fields);
  const EntityRef subject = event.subject.value_or(model::kHostRef);
  if (event.kind == EventKind::kOomKill)
    ++tallies_[subject][At(TallyOfCause(event.fields.GetText(Field::kOomCause)))];
  if (event.kind == EventKind::kActuation && event.subject) ObserveActuation(subject, event.fields);
  if (event.kind == EventKind::kToolCall) {
    const auto span = event.fields.Get(Field::kSpanId);
    const auto duration = event.fields.Get(Field::kDurationNs);
    std::pair key(subject, std::string(event.fields.GetText(Field::kProgram)));
    if (span && duration &&
        (exemplars_.size() < options_.max_exemplars || exemplars_.contains(key)))
      exemplars_[std::move(key)] = {*span, *duration, record.header.at + record.header.wall_offset};
  }
  if (event.kind == EventKind::kWorkloadDied && event.subject)
    ObserveDeath(before, event, record.header.at);
}

void History::ObserveActuation(EntityRef subject, const FieldSet& fields) {
  if (fields.GetText(Field::kOutcome) != "applied") return;
  const auto count = [&](Field limit, Field previous, Tally raised, Tally lowered) {
    const auto now = fields.Get(limit), then = fields.Get(previous);
    if (!now || !then || *now == *then) return;
    ++tallies_[subject][At(*now > *then ? raised : lowered)];
  };
  count(Field::kLimitCpuMillicores, Field::kPreviousCpuMillicores, Tally::kCpuLimitRaised,
        Tally::kCpuLimitLowered);
  count(Field::kLimitMemoryBytes, Field::kPreviousMemoryBytes, Tally::kMemoryLimitRaised,
        Tally::kMemoryLimitLowered);
}

void History::ObserveDeath(const model::State& before, const model::Event& event, BootTime at) {
  const EntityRef ref = *event.subject;
  peaks_.erase(ref);
  for (auto next = exemplars_.lower_bound(std::pair(ref, std::string()));
       next != exemplars_.end() && next->first.first == ref;)
    next = exemplars_.erase(next);
  const model::Entity* entity = before.Find(ref);
  if (entity == nullptr) return;
  Dead dead{ref, *entity, at, options_.pages_after_death};
  for (const model::EntityRow& row : event.rows)
    if (row.ref == ref) dead.entity.fields.Merge(row.fields);
  dead_.push_back(std::move(dead));
  // Between two scrapes of a host that makes sandboxes by the thousand.
  if (dead_.size() <= options_.max_dead) return;
  tallies_.erase(dead_.front().ref);
  dead_.erase(dead_.begin());
}

void History::CountPage(BootTime at) {
  std::erase_if(dead_, [&](Dead& dead) {
    if (--dead.pages_left > 0 || at - dead.died < options_.time_after_death) return false;
    tallies_.erase(dead.ref);
    return true;
  });
}

const History::Tallies* History::FindTallies(EntityRef ref) const {
  const auto found = tallies_.find(ref);
  return found == tallies_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> History::FindPeak(EntityRef ref, Peak peak) const {
  const auto found = peaks_.find(ref);
  if (found == peaks_.end()) return std::nullopt;
  const auto at = static_cast<std::size_t>(peak);
  // An absent one is less than any present one.
  return std::max(found->second.now[at], found->second.before[at]);
}

const Exemplar* History::FindExemplar(EntityRef workload, std::string_view program) const {
  const auto found = exemplars_.find(std::pair(workload, std::string(program)));
  return found == exemplars_.end() ? nullptr : &found->second;
}

}  // namespace ballast::exposition

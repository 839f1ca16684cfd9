#include "collector/serve/rate_window.h"

namespace ballast::serve {

using model::Field;

void RateWindow::Observe(const model::Record& record, const model::State& state) {
  if (!state.is_whole()) return;
  const BootTime now = state.header().at;
  if (state.header().incarnation != incarnation_) {
    tracks_.clear();
    changing_.clear();
    incarnation_ = state.header().incarnation;
    passed_.reset();
  }
  if (const auto* tick = std::get_if<model::Tick>(&record.body))
    for (const model::EntityRow& row : tick->rows) Note(row, state);
  if (const auto* event = std::get_if<model::Event>(&record.body))
    for (const model::EntityRow& row : event->rows) Note(row, state);
  if (std::holds_alternative<model::Key>(record.body)) {
    std::erase_if(tracks_, [&](const auto& track) { return state.Find(track.first) == nullptr; });
    for (const auto& [ref, entity] : state.entities())
      if (!tracks_.contains(ref)) Note(ref, entity, now);
  }
  if (passed_ && now - *passed_ < kCounterStep) return;
  passed_ = now;
  std::erase_if(changing_, [&](model::EntityRef ref) {
    const auto found = tracks_.find(ref);
    const model::Entity* entity = state.Find(ref);
    if (found == tracks_.end() || entity == nullptr) return true;
    Pass(found->second, *entity, now);
    found->second.is_changing =
        now - found->second.told_of <= static_cast<int>(kWaitSlots) * kWaitStep;
    return !found->second.is_changing;
  });
}

void RateWindow::Note(const model::EntityRow& row, const model::State& state) {
  if (const model::Entity* entity = state.Find(row.ref)) Note(row.ref, *entity, state.header().at);
}

void RateWindow::Note(model::EntityRef ref, const model::Entity& entity, BootTime now) {
  if (!model::IsWorkload(entity.kind) && entity.kind != model::EntityKind::kHost) return;
  Track& track = tracks_[ref];
  track.told_of = now;
  if (track.is_changing) return;
  track.is_changing = true;
  changing_.push_back(ref);
  if (!passed_) return;
  track.counters.BeginAt(*passed_);
  track.waits.BeginAt(*passed_);
}

void RateWindow::Pass(Track& track, const model::Entity& entity, BootTime now) {
  Counters counters;
  for (std::size_t i = 0; i < kCounters.size(); ++i) counters[i] = entity.fields.Get(kCounters[i]);
  track.counters.Push(now, counters);
  const model::Histogram* waits = entity.fields.FindHistogram(Field::kRunQueueWait);
  if (waits == nullptr) return;
  if (const auto* newest = track.waits.Newest(); newest == nullptr || now - newest->at >= kWaitStep)
    track.waits.Push(now, *waits);
}

RateWindow::Rates RateWindow::Of(model::EntityRef ref, const model::Entity& entity,
                                 BootTime now) const {
  Rates rates;
  const auto found = tracks_.find(ref);
  if (found == tracks_.end()) return rates;
  const Track& track = found->second;
  const auto* then = track.counters.Oldest();
  const auto increase = [&](std::size_t at) -> std::optional<double> {
    const auto before = then->value[at];
    const auto after = entity.fields.Get(kCounters[at]);
    if (!before || !after || *after < *before) return std::nullopt;
    return static_cast<double>(*after - *before);
  };
  if (then != nullptr && now > then->at) {
    const auto wall_ns = static_cast<double>((now - then->at).count());
    if (const auto used = increase(0)) rates.cpu_cores = *used / wall_ns;
    if (const auto throttled = increase(1)) rates.throttled_share = *throttled / wall_ns;
    const auto periods = increase(2), throttled_periods = increase(3);
    if (periods && throttled_periods && *periods > 0)
      rates.throttled_periods_share = *throttled_periods / *periods;
  }
  const auto* waits_then = track.waits.Oldest();
  const model::Histogram* waits_now = entity.fields.FindHistogram(Field::kRunQueueWait);
  if (waits_then == nullptr || waits_now == nullptr) return rates;
  const model::Histogram recent = model::Since(waits_then->value, *waits_now);
  if (model::TotalCount(recent) == 0) return rates;
  rates.run_queue_wait_p50_ns = model::QuantileNs(recent, 0.50);
  rates.run_queue_wait_p99_ns = model::QuantileNs(recent, 0.99);
  return rates;
}

}  // namespace ballast::serve

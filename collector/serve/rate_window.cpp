#include "collector/serve/rate_window.h"

namespace ballast::serve {

using model::Field;

void RateWindow::Observe(const model::State& state) {
  if (!state.is_whole()) return;
  if (state.header().incarnation != incarnation_) {
    tracks_.clear();
    incarnation_ = state.header().incarnation;
    passed_.reset();
  }
  const BootTime now = state.header().at;
  if (passed_ && now - *passed_ < kCounterStep) return;
  passed_ = now;
  for (const auto& [ref, entity] : state.entities()) {
    if (!model::IsWorkload(entity.kind) && entity.kind != model::EntityKind::kHost) continue;
    Track& track = tracks_[ref];
    Counters counters;
    for (std::size_t i = 0; i < kCounters.size(); ++i)
      counters[i] = entity.fields.Get(kCounters[i]);
    track.counters.Push(now, counters);
    const model::Histogram* waits = entity.fields.FindHistogram(Field::kRunQueueWait);
    if (waits == nullptr) continue;
    if (const auto* newest = track.waits.Newest();
        newest == nullptr || now - newest->at >= kWaitStep)
      track.waits.Push(now, *waits);
  }
  if (now - swept_ < kWaitStep) return;
  swept_ = now;
  std::erase_if(tracks_, [&](const auto& track) { return state.Find(track.first) == nullptr; });
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

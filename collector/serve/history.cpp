#include "collector/serve/history.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace ballast::serve {

using model::EntityKind;
using model::EntityRef;
using model::Field;

namespace {

constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();

// Children whose counters count for their parent.
bool CountsForParent(EntityKind kind) {
  return kind == EntityKind::kDevice || kind == EntityKind::kInterface ||
         kind == EntityKind::kVcpu || kind == EntityKind::kExit;
}

bool IsTracked(const model::Entity& entity) {
  return model::IsWorkload(entity.kind) || entity.kind == EntityKind::kHost;
}

model::Histogram Sum(const model::Histogram& a, const model::Histogram& b) {
  model::Histogram sum = a;
  for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += b.counts[i];
  sum.sum_ns += b.sum_ns;
  return sum;
}

std::optional<std::uint64_t> ReadOne(const Series& series, const model::Entity& entity) {
  const auto value = entity.fields.Get(series.field);
  if (value || entity.kind != EntityKind::kHost || series.field != Field::kMemoryUsageBytes)
    return value;
  // The host's own use: what is not available.
  const auto total = entity.fields.Get(Field::kMemoryTotalBytes);
  const auto available = entity.fields.Get(Field::kMemoryAvailableBytes);
  if (!total || !available || *available > *total) return std::nullopt;
  return *total - *available;
}

// In millicores, so that it fits where the other readings are.
std::optional<std::uint64_t> ReadQuota(const model::FieldSet& fields) {
  const auto quota = fields.Get(Field::kCpuQuotaNs);
  const auto period = fields.Get(Field::kCpuPeriodNs);
  if (!quota || !period || *period == 0 || *quota == model::kUnlimited) return std::nullopt;
  return static_cast<std::uint64_t>(1000.0 * static_cast<double>(*quota) /
                                    static_cast<double>(*period));
}

float Value(const Series& series, std::optional<std::uint64_t> now,
            std::optional<std::uint64_t> before, double seconds) {
  if (!now) return kAbsent;
  const auto value = static_cast<double>(*now);
  switch (series.derive) {
    case Derive::kLimit:
      return *now == model::kUnlimited ? kAbsent : static_cast<float>(value * series.scale);
    case Derive::kQuota:
      return static_cast<float>(value / 1000.0);
    case Derive::kPerSecond:
      if (!before || *now < *before || seconds <= 0) return kAbsent;
      return static_cast<float>(static_cast<double>(*now - *before) * series.scale / seconds);
    default:
      return static_cast<float>(value * series.scale);
  }
}

void WriteFloat(JsonWriter& json, float value) {
  if (!std::isfinite(value)) {
    json.Raw("null");
    return;
  }
  char text[32];
  json.Raw({text, std::to_chars(text, text + sizeof text, value).ptr});
}

std::int64_t ToMilliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

void History::Observe(const model::Record& record, const model::State& state) {
  if (!state.is_whole()) return;
  const model::RecordHeader& header = state.header();
  if (header.incarnation != incarnation_) {
    tracks_.clear();
    samples_.clear();
    oldest_sample_ = 1;
    bytes_ = 0;
    sampled_ = {};
    incarnation_ = header.incarnation;
  }
  Note(record, state);
  // Half a tick early is on time: the beat is a tenth of a second, never exact.
  if (header.at - sampled_ < kStep - std::chrono::milliseconds(50)) return;
  sampled_ = header.at;
  Sample(state);
  Trim(header.at);
}

void History::Note(const model::Record& record, const model::State& state) {
  if (const auto* tick = std::get_if<model::Tick>(&record.body))
    for (const model::EntityRow& row : tick->rows) NoteRow(row, state, true);
  if (const auto* event = std::get_if<model::Event>(&record.body))
    for (const model::EntityRow& row : event->rows) NoteRow(row, state, false);
  // It may tell what a record that was lost would have told.
  if (std::holds_alternative<model::Key>(record.body))
    for (auto& [ref, track] : tracks_) track.is_told_of = true;
}

void History::NoteRow(const model::EntityRow& row, const model::State& state, bool has_peaks) {
  const auto found = tracks_.find(row.ref);
  if (found == tracks_.end()) {
    const model::Entity* child = state.Find(row.ref);
    if (child == nullptr || !CountsForParent(child->kind)) return;
    if (const auto parent = tracks_.find(child->parent); parent != tracks_.end())
      parent->second.is_told_of = true;
    return;
  }
  found->second.is_told_of = true;
  if (!has_peaks) return;
  for (std::size_t i = 0; i < kSeries.size(); ++i)
    if (kSeries[i].derive == Derive::kPeak)
      if (const auto value = row.fields.Get(kSeries[i].field))
        found->second.peaks[i] = std::max(found->second.peaks[i].value_or(0), *value);
}

void History::Sample(const model::State& state) {
  const BootTime now = state.header().at;
  const auto is_changing = [](const Track& track) { return track.is_told_of || track.was_told_of; };
  samples_.push_back(now);
  // Parents come before their children.
  for (const auto& [ref, entity] : state.entities()) {
    if (IsTracked(entity)) {
      Track& track = tracks_[ref];
      track.at = now;
      if (!is_changing(track)) continue;
      track.now = {};
      track.waits_now = {};
      Read(track, entity, true);
    } else if (CountsForParent(entity.kind)) {
      const auto parent = tracks_.find(entity.parent);
      if (parent != tracks_.end() && is_changing(parent->second))
        Read(parent->second, entity, false);
    }
  }
  for (auto& [ref, track] : tracks_) {
    if (track.at != now || !is_changing(track)) continue;
    Push(track, now);
    track.was_told_of = std::exchange(track.is_told_of, false);
  }
}

void History::Read(Track& track, const model::Entity& entity, bool is_own) {
  for (std::size_t i = 0; i < kSeries.size(); ++i) {
    const Series& series = kSeries[i];
    if (series.derive == Derive::kPeak || series.derive == Derive::kWaitP99) continue;
    // A vCPU's CPU time is in its VM's already; only counters that the parent lacks are summed.
    if (!is_own && series.derive != Derive::kPerSecond) continue;
    if (!is_own && series.field == Field::kCpuUsageNs) continue;
    const auto value =
        series.derive == Derive::kQuota ? ReadQuota(entity.fields) : ReadOne(series, entity);
    if (value) track.now[i] = is_own ? *value : track.now[i].value_or(0) + *value;
  }
  for (std::size_t i = 0; i < kHeatmaps.size(); ++i) {
    const HeatmapSource& source = kHeatmaps[i];
    const auto add = [&](Field field) {
      const model::Histogram* waits = entity.fields.FindHistogram(field);
      if (waits == nullptr) return;
      auto& sum = track.waits_now[i];
      sum = sum ? Sum(*sum, *waits) : *waits;
    };
    add(source.field);
    if (source.second_field != source.field) add(source.second_field);
  }
}

void History::Push(Track& track, BootTime now) {
  if (track.has_before) {
    // All are sampled together: whoever was left out did nothing since, until this second.
    const BootTime before = samples_.size() < 2 ? now : *(samples_.end() - 2);
    const double seconds = std::chrono::duration<double>(now - before).count();
    const auto sample = oldest_sample_ + static_cast<std::uint32_t>(samples_.size()) - 1;
    Points::Row values;
    for (std::size_t i = 0; i < kSeries.size(); ++i)
      values[i] = kSeries[i].derive == Derive::kPeak
                      ? Value(kSeries[i], track.peaks[i], {}, seconds)
                      : Value(kSeries[i], track.now[i], track.before[i], seconds);
    for (std::size_t i = 0; i < kHeatmaps.size(); ++i) {
      if (!track.waits_now[i] || !track.waits_before[i]) continue;
      const auto recent = model::Since(*track.waits_before[i], *track.waits_now[i]);
      const auto is_there = [](std::uint64_t count) { return count > 0; };
      const auto first = std::ranges::find_if(recent.counts, is_there);
      if (first == recent.counts.end()) continue;
      const auto last = std::find_if(recent.counts.rbegin(), recent.counts.rend(), is_there).base();
      Column column{now,
                    static_cast<std::uint8_t>(i),
                    static_cast<std::uint8_t>(first - recent.counts.begin()),
                    {}};
      for (auto count = first; count != last; ++count)
        column.counts.push_back(static_cast<std::uint16_t>(std::min<std::uint64_t>(*count, 65535)));
      bytes_ += sizeof(Column) + column.counts.size() * sizeof(column.counts[0]);
      track.columns.push_back(std::move(column));
      for (std::size_t s = 0; s < kSeries.size(); ++s)
        if (kSeries[s].derive == Derive::kWaitP99 && kSeries[s].field == kHeatmaps[i].field)
          values[s] = static_cast<float>(model::QuantileNs(recent, 0.99));
    }
    if (track.first == 0) track.first = sample;
    bytes_ -= track.points.bytes();
    track.points.Set(sample, values);
    bytes_ += track.points.bytes();
  }
  track.before = track.now;
  track.waits_before = track.waits_now;
  track.peaks = {};
  track.has_before = true;
}

void History::TrimOne(Track& track, BootTime oldest, std::uint32_t oldest_sample) {
  bytes_ -= track.points.bytes();
  track.points.DropBefore(oldest_sample);
  bytes_ += track.points.bytes();
  while (!track.columns.empty() && track.columns.front().at < oldest) {
    bytes_ -= sizeof(Column) + track.columns.front().counts.size() * sizeof(std::uint16_t);
    track.columns.pop_front();
  }
}

std::uint32_t History::SampleAfter(BootTime time) const {
  const auto after = std::ranges::upper_bound(samples_, time);
  return oldest_sample_ + static_cast<std::uint32_t>(after - samples_.begin());
}

void History::Trim(BootTime now) {
  // A track that was not met just now belongs to a dead workload.
  for (auto track = tracks_.begin(); track != tracks_.end();) {
    if (track->second.at == now) {
      ++track;
      continue;
    }
    TrimOne(track->second, BootTime::max(), std::numeric_limits<std::uint32_t>::max());
    track = tracks_.erase(track);
  }
  if (keep_ < options_.keep && bytes_ < options_.max_bytes / 10 * 9)
    keep_ += std::chrono::seconds(1);
  const auto trim_all = [&] {
    for (; samples_.front() < now - keep_; ++oldest_sample_) samples_.pop_front();
    for (auto& [ref, track] : tracks_) TrimOne(track, now - keep_, oldest_sample_);
  };
  trim_all();
  while (bytes_ > options_.max_bytes && keep_ > std::chrono::seconds(1)) {
    keep_ = keep_ * 9 / 10;
    trim_all();
  }
}

std::optional<double> History::Latest(EntityRef ref, std::size_t series) const {
  const auto found = tracks_.find(ref);
  if (found == tracks_.end() || found->second.first == 0) return std::nullopt;
  const float value = found->second.points.last()[series];
  if (!std::isfinite(value)) return std::nullopt;
  return static_cast<double>(value);
}

void History::Write(JsonWriter& json, EntityRef ref, BootTime since,
                    std::chrono::nanoseconds wall_offset) const {
  static const Track kNothing;
  const auto found = tracks_.find(ref);
  const Track& track = found == tracks_.end() ? kNothing : found->second;
  const auto end = oldest_sample_ + static_cast<std::uint32_t>(samples_.size());
  const auto oldest = track.first == 0 ? end : std::max(track.first, oldest_sample_);
  const auto begin = std::max(SampleAfter(since), oldest);
  // Series with a value anywhere, not in these points alone: a reader who asks for the
  // last second gets the same members.
  std::uint32_t present = 0;
  std::vector<Points::Row> rows(end - begin);
  std::uint32_t from = begin;
  Points::Row values{};
  const auto fill_until = [&](std::uint32_t step) {
    for (; from < std::min(step, end); ++from) rows[from - begin] = values;
  };
  track.points.ForEachChange([&](std::uint32_t step, const Points::Row& row) {
    fill_until(step);
    values = row;
    for (std::size_t i = 0; i < kSeries.size(); ++i)
      if (std::isfinite(row[i])) present |= 1U << i;
  });
  fill_until(end);
  json.Key("times_ms").BeginArray();
  for (std::uint32_t sample = begin; sample < end; ++sample)
    json.Signed(ToMilliseconds(samples_[sample - oldest_sample_] + wall_offset));
  json.EndArray().Key("series").BeginObject();
  for (std::size_t i = 0; i < kSeries.size(); ++i) {
    if ((present >> i & 1U) == 0) continue;
    json.Key(kSeries[i].name).BeginArray();
    for (const Points::Row& row : rows) WriteFloat(json, row[i]);
    json.EndArray();
  }
  json.EndObject().Key("heatmaps").BeginObject();
  for (std::size_t i = 0; i < kHeatmaps.size(); ++i) {
    if (!track.waits_now[i]) continue;
    json.Key(kHeatmaps[i].name).BeginArray();
    for (const Column& column : track.columns) {
      if (column.heatmap != i || column.at <= since) continue;
      json.BeginArray().Signed(ToMilliseconds(column.at + wall_offset)).Number(column.first);
      json.BeginArray();
      for (const std::uint16_t count : column.counts) json.Number(count);
      json.EndArray().EndArray();
    }
    json.EndArray();
  }
  json.EndObject();
}

void History::WriteSparks(JsonWriter& json, const model::State& state, std::size_t points,
                          const Scope& scope) const {
  constexpr std::size_t kCpu = SeriesAt("cpu_cores");
  json.BeginArray();
  for (const auto& [ref, entity] : state.entities()) {
    const auto found = tracks_.find(ref);
    if (!IsTracked(entity) || found == tracks_.end() || !MaySee(scope, state, entity)) continue;
    json.BeginObject().Key("ref").Number(static_cast<std::uint64_t>(ref));
    json.Key("cpu_cores").BeginArray();
    const Track& track = found->second;
    const auto end = oldest_sample_ + static_cast<std::uint32_t>(samples_.size());
    const auto kept = track.first == 0 ? 0 : end - std::max(track.first, oldest_sample_);
    std::uint32_t from = end - static_cast<std::uint32_t>(std::min<std::size_t>(points, kept));
    float cores = kAbsent;
    const auto write_until = [&](std::uint32_t step) {
      for (; from < step; ++from)
        // A line 100 pixels wide shows no more than three digits.
        WriteFloat(json, std::isfinite(cores) ? std::round(cores * 1000.0F) / 1000.0F : cores);
    };
    track.points.ForEachChange([&](std::uint32_t step, const Points::Row& row) {
      write_until(std::min(step, end));
      cores = row[kCpu];
    });
    write_until(end);
    json.EndArray().EndObject();
  }
  json.EndArray();
}

}  // namespace ballast::serve

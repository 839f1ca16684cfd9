#include "autoscaler/forecast/observation.h"

#include <algorithm>

namespace ballast::forecast {
namespace {

using model::Field;
using model::FieldSet;

// A key repeats the tick that it follows within a millisecond; by itself it would say that nobody
// used anything meanwhile.
constexpr std::chrono::milliseconds kShortestStretch{10};

using Counter = std::optional<std::uint64_t>;

// Empty where a reading is missing or stepped back: a reset is never a spike.
Counter Increase(const Counter& then, const Counter& now) {
  if (!then || !now || *now < *then) return std::nullopt;
  return *now - *then;
}

Counter Sum(const Counter& a, const Counter& b) {
  if (!a && !b) return std::nullopt;
  return a.value_or(0) + b.value_or(0);
}

// Of every kernel this is built for; with larger pages refaults count too little, never too much.
constexpr double kPageBytes = 4096;

std::optional<double> Scaled(const Counter& count, double unit) {
  if (!count) return std::nullopt;
  return static_cast<double>(*count) * unit;
}

// 1 ns of CPU time per ns of wall time is 1000 millicores.
std::optional<double> Millicores(const Counter& nanoseconds, double seconds) {
  if (!nanoseconds) return std::nullopt;
  return static_cast<double>(*nanoseconds) / (seconds * 1e6);
}

// The highest use inside the stretch, where the record carries one.
std::optional<double> PeakMillicores(const FieldSet* row) {
  if (row == nullptr) return std::nullopt;
  const auto peak_ns = row->Get(Field::kCpuPeak100msNs);
  if (!peak_ns) return std::nullopt;
  return static_cast<double>(*peak_ns) / 1e5;  // ns in 100 ms to millicores
}

std::optional<double> MaxOf(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a ? a : b;
  return std::max(*a, *b);
}

std::optional<double> MemoryUsed(const FieldSet& fields, const FieldSet* row) {
  std::optional<double> used;
  if (const auto bytes = fields.Get(Field::kMemoryUsageBytes)) used = static_cast<double>(*bytes);
  if (row != nullptr)
    if (const auto peak = row->Get(Field::kMemoryTickPeakBytes))
      used = MaxOf(used, static_cast<double>(*peak));
  return used;
}

std::optional<double> MemoryNeeded(const FieldSet& fields, const std::optional<double>& used) {
  if (!used) return std::nullopt;
  return std::max(
      0.0, *used - static_cast<double>(fields.Get(Field::kMemoryInactiveFileBytes).value_or(0)));
}

}  // namespace

Observer::Counters Observer::Read(const FieldSet& fields) {
  Counters now;
  now.cpu_ns = fields.Get(Field::kCpuUsageNs);
  if (const model::Histogram* wait = fields.FindHistogram(Field::kRunQueueWait))
    now.waited_ns = wait->sum_ns;
  now.throttled = Sum(fields.Get(Field::kCpuThrottledPeriods), fields.Get(Field::kCpuThrottledNs));
  now.memory_hits = Sum(fields.Get(Field::kMemoryMaxEvents), fields.Get(Field::kMemoryHighEvents));
  now.refaulted_pages =
      Sum(fields.Get(Field::kMemoryRefaultAnon), fields.Get(Field::kMemoryRefaultFile));
  now.memory_stalled_ns = fields.Get(Field::kPressureMemorySomeNs);
  return now;
}

std::optional<Observation> Observer::Observe(const FieldSet& fields, const FieldSet* row,
                                             BootTime at) {
  if (last_at_ && at > *last_at_ && at - *last_at_ < kShortestStretch) return std::nullopt;
  const Counters then = last_;
  const std::optional<BootTime> then_at = last_at_;
  last_ = Read(fields);
  last_at_ = at;
  if (!then_at || at <= *then_at) return std::nullopt;

  Observation seen;
  seen.at = at;
  seen.seconds = std::chrono::duration<double>(at - *then_at).count();
  if (then.cpu_ns && last_.cpu_ns && *last_.cpu_ns < *then.cpu_ns) return std::nullopt;
  seen.cpu_used_millicores =
      MaxOf(Millicores(Increase(then.cpu_ns, last_.cpu_ns), seen.seconds), PeakMillicores(row));
  seen.cpu_waited_millicores = Millicores(Increase(then.waited_ns, last_.waited_ns), seen.seconds);
  seen.cpu_refused = Increase(then.throttled, last_.throttled).value_or(0) > 0;
  seen.memory_used_bytes = MemoryUsed(fields, row);
  seen.memory_needed_bytes = MemoryNeeded(fields, seen.memory_used_bytes);
  seen.memory_refused = Increase(then.memory_hits, last_.memory_hits).value_or(0) > 0;
  seen.memory_refaulted_bytes =
      Scaled(Increase(then.refaulted_pages, last_.refaulted_pages), kPageBytes);
  seen.memory_stalled_share =
      Scaled(Increase(then.memory_stalled_ns, last_.memory_stalled_ns), 1e-9 / seen.seconds);
  return seen;
}

}  // namespace ballast::forecast

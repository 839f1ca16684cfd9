#include "autoscaler/forecast/decaying_peak.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {

DecayingPeak::DecayingPeak(DecayingPeakOptions options) : options_(options) {}

namespace {

// Refusals closer to each other than this are one need.
constexpr std::chrono::seconds kOneNeed{2};
// A rise that was seen longer ago says nothing.
constexpr std::chrono::seconds kFresh{1};

double Wanted(double limit, const PeakOptions& options) {
  return std::max(limit * options.growth, limit + options.least_step);
}

}  // namespace

double DecayingPeak::Peak::HalfLife(const PeakOptions& options) const {
  return longer.value_or(options.half_life_seconds);
}

// Time that stands still or steps back (a reader that joined again) forgets nothing.
double DecayingPeak::Peak::At(BootTime now, const PeakOptions& options) const {
  const double age = std::max(0.0, std::chrono::duration<double>(now - at).count());
  return value.value_or(0) * std::exp2(-age / HalfLife(options));
}

void DecayingPeak::Peak::Raise(double sample, BootTime now, const PeakOptions& options) {
  value = std::max(sample, At(now, options));
  at = std::max(at, now);
}

void DecayingPeak::Peak::Use(double sample, BootTime now) {
  const double seconds = used_at ? std::chrono::duration<double>(now - *used_at).count() : 0;
  if (seconds > 0) rise = std::max(0.0, sample - use) / seconds;
  use = sample;
  used_at = now;
}

void DecayingPeak::Peak::Refuse(double limit, BootTime now, const PeakOptions& options) {
  Raise(Wanted(limit, options), now, options);
  if (!refused_at || now - *refused_at > kOneNeed)
    longer = std::max(HalfLife(options), std::min(HalfLife(options) * options.patience,
                                                  options.most_half_life_seconds));
  refused_at = std::max(refused_at.value_or(now), now);
}

void DecayingPeak::Observe(const Observation& seen, const Limits& in_force) {
  if (seen.cpu_used_millicores) {
    const double sample = *seen.cpu_used_millicores + seen.cpu_waited_millicores.value_or(0);
    cpu_.Raise(sample, seen.at, options_.cpu);
    cpu_.Use(sample, seen.at);
    if (seen.cpu_refused) CpuRefused(seen.at, in_force);
  }
  if (seen.memory_needed_bytes) {
    const double sample = *seen.memory_needed_bytes + seen.memory_refaulted_bytes.value_or(0);
    const bool stalled =
        seen.memory_stalled_share.value_or(0) >= kStalledShare && in_force.memory_bytes &&
        seen.memory_used_bytes.value_or(0) >= kCloseToLimit * *in_force.memory_bytes;
    memory_.Raise(sample, seen.at, options_.memory);
    memory_.Use(sample, seen.at);
    if (seen.memory_refused || stalled) MemoryRefused(seen.at, in_force);
  }
}

void DecayingPeak::CpuRefused(BootTime at, const Limits& in_force) {
  if (in_force.cpu_millicores) cpu_.Refuse(*in_force.cpu_millicores, at, options_.cpu);
}

void DecayingPeak::MemoryRefused(BootTime at, const Limits& in_force) {
  if (in_force.memory_bytes) memory_.Refuse(*in_force.memory_bytes, at, options_.memory);
}

std::optional<double> DecayingPeak::DemandOf(const Peak& peak, BootTime at,
                                             const PeakOptions& options) {
  if (!peak.value) return std::nullopt;
  double highest = peak.At(at, options);
  if (peak.used_at && at - *peak.used_at < kFresh)
    highest = std::max(highest, peak.use + peak.rise * options.ramp_seconds);
  return highest * (1 + options.margin) + options.floor;
}

Demand DecayingPeak::Estimate(BootTime at) const {
  return {DemandOf(cpu_, at, options_.cpu), DemandOf(memory_, at, options_.memory)};
}

}  // namespace ballast::forecast

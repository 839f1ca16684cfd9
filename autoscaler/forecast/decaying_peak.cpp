#include "autoscaler/forecast/decaying_peak.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {

DecayingPeak::DecayingPeak(DecayingPeakOptions options) : options_(options) {}

// Time that stands still or steps back (a reader that joined again) forgets nothing.
double DecayingPeak::Peak::At(BootTime now, double half_life_seconds) const {
  const double age = std::max(0.0, std::chrono::duration<double>(now - at).count());
  return value.value_or(0) * std::exp2(-age / half_life_seconds);
}

void DecayingPeak::Peak::Raise(double sample, BootTime now, double half_life_seconds) {
  value = std::max(sample, At(now, half_life_seconds));
  at = std::max(at, now);
}

double DecayingPeak::Wanted(double limit, const PeakOptions& options) {
  return std::max(limit * options.growth, limit + options.least_step);
}

void DecayingPeak::Observe(const Observation& seen, const Limits& in_force) {
  if (seen.cpu_used_millicores) {
    double sample = *seen.cpu_used_millicores + seen.cpu_waited_millicores.value_or(0);
    if (seen.cpu_refused && in_force.cpu_millicores)
      sample = std::max(sample, Wanted(*in_force.cpu_millicores, options_.cpu));
    cpu_.Raise(sample, seen.at, options_.cpu.half_life_seconds);
  }
  if (seen.memory_needed_bytes) {
    double sample = *seen.memory_needed_bytes + seen.memory_refaulted_bytes.value_or(0);
    const bool stalled =
        seen.memory_stalled_share.value_or(0) >= kStalledShare && in_force.memory_bytes &&
        seen.memory_used_bytes.value_or(0) >= kCloseToLimit * *in_force.memory_bytes;
    if ((seen.memory_refused || stalled) && in_force.memory_bytes)
      sample = std::max(sample, Wanted(*in_force.memory_bytes, options_.memory));
    memory_.Raise(sample, seen.at, options_.memory.half_life_seconds);
  }
}

void DecayingPeak::CpuRefused(BootTime at, const Limits& in_force) {
  if (!in_force.cpu_millicores) return;
  cpu_.Raise(Wanted(*in_force.cpu_millicores, options_.cpu), at, options_.cpu.half_life_seconds);
}

void DecayingPeak::MemoryRefused(BootTime at, const Limits& in_force) {
  if (!in_force.memory_bytes) return;
  memory_.Raise(Wanted(*in_force.memory_bytes, options_.memory), at,
                options_.memory.half_life_seconds);
}

std::optional<double> DecayingPeak::DemandOf(const Peak& peak, BootTime at,
                                             const PeakOptions& options) {
  if (!peak.value) return std::nullopt;
  return peak.At(at, options.half_life_seconds) * (1 + options.margin) + options.floor;
}

Demand DecayingPeak::Estimate(BootTime at) const {
  return {DemandOf(cpu_, at, options_.cpu), DemandOf(memory_, at, options_.memory)};
}

}  // namespace ballast::forecast

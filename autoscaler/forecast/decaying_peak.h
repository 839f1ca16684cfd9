#pragma once

// Demand as the highest recent use, forgotten exponentially:
//
//   peak(t) = max(sample(t), peak(s) * 2^-((t-s)/half_life))
//   demand  = peak * (1 + margin) + floor
//
// A sample of CPU is what was used plus what was waited for behind others; a
// sample of memory is what was used, reclaimable page cache apart, plus what was taken
// away and needed again (refaults). Where the kernel refused more,
// or where tasks stood still for memory close to the limit (pressure),
// the sample is at least the limit times `growth` (or plus `least_step`), because what the workload
// wanted above its limit cannot be seen. A refused workload therefore doubles until it is no longer
// refused, and one peak is forgotten after a few half-lives. Memory is also expected to rise on
// as it rises now (`ramp_seconds`), and the half-life grows with each refusal (`patience`).

#include "autoscaler/forecast/estimator.h"

namespace ballast::forecast {

struct PeakOptions {
  // Affects decisions. Longer: fewer changes, more slack after a burst.
  double half_life_seconds = 2;
  // How far demand stands above the peak. Raise it if bursts are throttled first.
  double margin = 0.15;
  double floor = 10;
  // What one refusal multiplies the limit by, and adds at least.
  double growth = 2;
  double least_step = 250;
  // Each time that the kernel begins to refuse, peaks are remembered so many times longer from
  // then on: who comes back to its peaks is not made to wait for each of them. CPU has none:
  // its waits cost little, and what is remembered is taken from others on a full host.
  double patience = 1;
  double most_half_life_seconds = 1200;
  // Use that rises is expected to go on like that for so long; a few loops.
  double ramp_seconds = 0;
};

// Tasks that stand still for this share of the time, at this share of the limit, want more.
inline constexpr double kStalledShare = 0.10;
inline constexpr double kCloseToLimit = 0.95;

struct DecayingPeakOptions {
  PeakOptions cpu{};  // millicores
  // Memory is not forgotten as fast: taking it back too early costs reclaim.
  PeakOptions memory{.half_life_seconds = 3,
                     .margin = 0.10,
                     .floor = 4.0 * (1 << 20),
                     .growth = 1.5,
                     .least_step = 64.0 * (1 << 20),
                     .patience = 1.3,
                     .ramp_seconds = 0.3};
};

class DecayingPeak final : public Estimator {
 public:
  explicit DecayingPeak(DecayingPeakOptions options = {});

  void Observe(const Observation& seen, const Limits& in_force) override;
  void CpuRefused(BootTime at, const Limits& in_force) override;
  void MemoryRefused(BootTime at, const Limits& in_force) override;
  Demand Estimate(BootTime at) const override;

 private:
  struct Peak {
    std::optional<double> value;
    BootTime at{};
    std::optional<double> longer;        // half-life, once it was refused
    std::optional<BootTime> refused_at;  // last
    double use = 0;                      // of the last observation
    double rise = 0;                     // per second, up to it
    std::optional<BootTime> used_at;

    double HalfLife(const PeakOptions& options) const;
    double At(BootTime now, const PeakOptions& options) const;
    void Raise(double sample, BootTime now, const PeakOptions& options);
    void Use(double sample, BootTime now);
    void Refuse(double limit, BootTime now, const PeakOptions& options);
  };
  static std::optional<double> DemandOf(const Peak& peak, BootTime at, const PeakOptions& options);

  DecayingPeakOptions options_;
  Peak cpu_;
  Peak memory_;
};

}  // namespace ballast::forecast

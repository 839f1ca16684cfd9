#pragma once

// Quantiles of bursts, also of those rarer than anything seen lately. The body is
// a decaying histogram; above its quantile u at `body_share` the excess follows a
// generalised Pareto distribution (Pickands 1975), fitted by its first two moments
// (Hosking and Wallis, Technometrics 29, 1987), with mean m and variance v:
//
//   shape = (1 - m^2/v) / 2      scale = m (1 + m^2/v) / 2
//   Q(p)  = u + scale/shape * (((1 - p)/(1 - body_share))^-shape - 1)
//
// The shape is kept within [-0.5, 0.4], where the moments exist and a few samples
// cannot promise a burst larger than the machine.
// O(1) per sample. Pure; time is the records' own.

#include "autoscaler/forecast/decaying_histogram.h"

namespace ballast::forecast {

struct BurstTailOptions {
  BucketOptions buckets = MemoryBuckets();
  double half_life_seconds = 1800;
  double body_share = 0.95;
  // With less excess than this the histogram alone answers.
  double least_excesses = 8;
};

class BurstTail {
 public:
  explicit BurstTail(BurstTailOptions options = {});

  // Requires: finite, not negative; in the order of their time.
  void Add(double burst, BootTime at);
  // 0 while nothing was seen. Requires: 0 <= share < 1.
  double Quantile(double share) const;

 private:
  void Decay(BootTime at);

  BurstTailOptions options_;
  DecayingHistogram body_;
  BootTime at_{};
  // Decayed sums over the excesses above the body's quantile when they came.
  double count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

}  // namespace ballast::forecast

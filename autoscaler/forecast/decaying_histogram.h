#pragma once

// A histogram whose samples count half as much after each half-life, with
// buckets that grow by a constant ratio, so that its quantiles have a bounded
// relative error:
//
//   bucket i covers  first * (ratio^i - 1) / (ratio - 1)  up to the same of i + 1
//
// With the defaults of MemoryBuckets() and CpuBuckets() it is the one of
// Kubernetes' Vertical Pod Autoscaler (pkg/recommender/util/histogram*.go):
// a quantile is the upper end of its bucket, weights below 1e-4 count as none.
// Old samples are not touched: new ones weigh 2^(age of the reference / half-life)
// more, and the reference moves before that overflows.
//
// O(1) per sample, O(buckets) per quantile. Pure; time is the records' own.

#include <cstddef>
#include <vector>

#include "collector/base/clock.h"

namespace ballast::forecast {

struct BucketOptions {
  double first = 1e7;  // width of the first bucket, in the sample's unit
  double ratio = 1.05;
  double most = 1e12;  // larger samples land in the last bucket
};

constexpr BucketOptions MemoryBuckets() {
  return {.first = 1e7, .ratio = 1.05, .most = 1e12};  // bytes
}
constexpr BucketOptions CpuBuckets() {
  return {.first = 10, .ratio = 1.05, .most = 1e6};  // millicores
}

class DecayingHistogram {
 public:
  DecayingHistogram(BucketOptions buckets, std::chrono::duration<double> half_life);

  // Requires: finite, not negative.
  void Add(double value, double weight, BootTime at);
  // Takes back what was added with the same value, weight and time.
  void Subtract(double value, double weight, BootTime at);

  // 0 while it is empty. Requires: 0 <= share <= 1.
  double Quantile(double share) const;
  // Of the values, each at the middle of its bucket; 0 while empty.
  double Mean() const;
  bool empty() const { return total_ < kLeastWeight; }
  // Of all samples, as of `at`: how much it has seen lately.
  double WeightAt(BootTime at) const;

 private:
  static constexpr double kLeastWeight = 1e-4;

  std::size_t BucketOf(double value) const;
  double BeginOf(std::size_t bucket) const;
  double FactorAt(BootTime at);
  void MoveReference(BootTime at);

  BucketOptions buckets_;
  double half_life_ns_;
  BootTime reference_{};
  std::vector<double> weights_;
  double total_ = 0;
};

}  // namespace ballast::forecast

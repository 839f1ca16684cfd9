#include "autoscaler/forecast/decaying_histogram.h"

#include <algorithm>
#include <cmath>

#include "collector/base/check.h"

namespace ballast::forecast {
namespace {

// 2^100 new weight against 1 of old is far inside a double's range.
constexpr double kMostHalfLives = 100;

}  // namespace

DecayingHistogram::DecayingHistogram(BucketOptions buckets, std::chrono::duration<double> half_life)
    : buckets_(buckets), half_life_ns_(half_life.count() * 1e9) {
  BALLAST_CHECK(buckets.first > 0 && buckets.ratio > 1 && buckets.most > buckets.first &&
                    half_life.count() > 0,
                "buckets grow and time passes");
  weights_.resize(BucketOf(buckets.most) + 1);
}

std::size_t DecayingHistogram::BucketOf(double value) const {
  if (value < buckets_.first) return 0;
  const double capped = std::min(value, buckets_.most);
  const double index =
      std::log(capped * (buckets_.ratio - 1) / buckets_.first + 1) / std::log(buckets_.ratio);
  return static_cast<std::size_t>(index);
}

double DecayingHistogram::BeginOf(std::size_t bucket) const {
  return buckets_.first * (std::pow(buckets_.ratio, static_cast<double>(bucket)) - 1) /
         (buckets_.ratio - 1);
}

void DecayingHistogram::MoveReference(BootTime at) {
  const double factor = std::exp2(-static_cast<double>((at - reference_).count()) / half_life_ns_);
  for (double& weight : weights_) weight *= factor;
  total_ *= factor;
  reference_ = at;
}

double DecayingHistogram::FactorAt(BootTime at) {
  if (total_ == 0 && at > reference_) reference_ = at;
  if (static_cast<double>((at - reference_).count()) > kMostHalfLives * half_life_ns_)
    MoveReference(at);
  return std::exp2(static_cast<double>((at - reference_).count()) / half_life_ns_);
}

void DecayingHistogram::Add(double value, double weight, BootTime at) {
  BALLAST_CHECK(std::isfinite(value) && value >= 0, "a sample is a finite amount");
  const double now = weight * FactorAt(at);
  weights_[BucketOf(value)] += now;
  total_ += now;
}

void DecayingHistogram::Subtract(double value, double weight, BootTime at) {
  double& bucket = weights_[BucketOf(value)];
  const double taken = std::min(bucket, weight * FactorAt(at));
  bucket -= taken;
  total_ = std::max(0.0, total_ - taken);
}

double DecayingHistogram::Quantile(double share) const {
  if (empty()) return 0;
  double below = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] <= 0) continue;
    below += weights_[i];
    last = i;
    if (below >= share * total_) break;
  }
  return last + 1 < weights_.size() ? BeginOf(last + 1) : BeginOf(last);
}

double DecayingHistogram::Mean() const {
  if (empty()) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (weights_[i] > 0) sum += weights_[i] * (BeginOf(i) + BeginOf(i + 1)) / 2;
  return sum / total_;
}

double DecayingHistogram::WeightAt(BootTime at) const {
  return total_ * std::exp2(-static_cast<double>((at - reference_).count()) / half_life_ns_);
}

}  // namespace ballast::forecast

#include "autoscaler/forecast/burst_tail.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {
namespace {

constexpr double kLeastShape = -0.5;
constexpr double kMostShape = 0.4;
// Nearer to 0 the formula is the exponential's limit.
constexpr double kNoShape = 1e-3;

}  // namespace

BurstTail::BurstTail(BurstTailOptions options)
    : options_(options),
      body_(options.buckets, std::chrono::duration<double>(options.half_life_seconds)) {}

void BurstTail::Decay(BootTime at) {
  const double age = std::max(0.0, std::chrono::duration<double>(at - at_).count());
  const double factor = std::exp2(-age / options_.half_life_seconds);
  count_ *= factor;
  sum_ *= factor;
  squares_ *= factor;
  at_ = std::max(at_, at);
}

void BurstTail::Add(double burst, BootTime at) {
  Decay(at);
  const double excess = burst - body_.Quantile(options_.body_share);
  if (!body_.empty() && excess > 0) {
    ++count_;
    sum_ += excess;
    squares_ += excess * excess;
  }
  body_.Add(burst, 1, at);
}

double BurstTail::Quantile(double share) const {
  const double from_body = body_.Quantile(share);
  if (share <= options_.body_share || count_ < options_.least_excesses) return from_body;
  const double mean = sum_ / count_;
  const double variance = squares_ / count_ - mean * mean;
  const double ratio = variance > 0 ? mean * mean / variance : 1e9;
  const double shape = std::clamp((1 - ratio) / 2, kLeastShape, kMostShape);
  // The scale that keeps the mean, whatever the shape was cut to: mean = scale / (1 - shape).
  const double scale = mean * (1 - shape);
  const double rarer = (1 - share) / (1 - options_.body_share);
  const double above = std::abs(shape) < kNoShape ? -scale * std::log(rarer)
                                                  : scale / shape * (std::pow(rarer, -shape) - 1);
  return std::max(from_body, body_.Quantile(options_.body_share) + above);
}

}  // namespace ballast::forecast

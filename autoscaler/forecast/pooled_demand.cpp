#include "autoscaler/forecast/pooled_demand.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {
namespace {

// Growth of a host's sum: megabytes on a small host, tens of gigabytes on a large one.
constexpr BucketOptions kGrowthBuckets = {.first = 1e6, .ratio = 1.05, .most = 1e12};

std::chrono::nanoseconds Seconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

}  // namespace

PooledDemand::PooledDemand(PooledDemandOptions options)
    : options_(options),
      growth_({.buckets = kGrowthBuckets, .half_life_seconds = options.half_life_seconds}),
      levels_(kLevels, Level{growth_}) {}

std::size_t PooledDemand::LevelOf(double used) const {
  const double range = highest_level_ - lowest_;
  if (range <= 0) return 0;
  const double share = std::clamp((used - lowest_) / range, 0.0, 1.0);
  return std::min(kLevels - 1, static_cast<std::size_t>(share * kLevels));
}

void PooledDemand::Span(double used, double seconds) {
  const double kept = std::exp2(-seconds / options_.half_life_seconds);
  highest_level_ = std::max(used, used + (highest_level_ - used) * kept);
  lowest_ = std::min(used, used + (lowest_ - used) * kept);
  most_growth_ *= kept;
  for (Level& level : levels_) level.seconds *= kept;
  levels_[LevelOf(used)].seconds += seconds;
}

double PooledDemand::GrowthQuantile() const {
  const Level& level = levels_[LevelOf(*used_)];
  const bool is_known = level.seconds >= options_.level_windows * options_.horizon_seconds;
  return (is_known ? level.growth : growth_).Quantile(options_.quantile);
}

void PooledDemand::Observe(double used_bytes, BootTime at) {
  if (used_ && at <= at_) return;  // a reader that joined again
  if (!used_) {
    began_at_ = at_ = at;
    lowest_ = highest_level_ = used_bytes;
  }
  Span(used_bytes, std::chrono::duration<double>(at - at_).count());
  used_ = used_bytes;
  at_ = at;
  while (!highest_.empty() && highest_.back().used <= used_bytes) highest_.pop_back();
  const Reading reading{at, used_bytes, LevelOf(used_bytes)};
  highest_.push_back(reading);
  const auto horizon = Seconds(options_.horizon_seconds);
  while (!open_.empty() && at - open_.front().at >= horizon) {
    const Reading then = open_.front();
    open_.pop_front();
    while (highest_.front().at <= then.at) highest_.pop_front();
    const double growth = std::max(0.0, highest_.front().used - then.used);
    growth_.Add(growth, at);
    levels_[then.level].growth.Add(growth, at);
    most_growth_ = std::max(most_growth_, growth);
  }
  open_.push_back(reading);
}

void PooledDemand::Refused(double in_force_bytes, BootTime at) {
  // Once per answer: until it stands, the same need is refused again and again.
  if (asked_ > 0 && at - asked_at_ < Seconds(options_.answer_seconds)) return;
  asked_ = in_force_bytes * (1 + options_.refusal_share);
  asked_at_ = at;
}

std::optional<double> PooledDemand::Estimate(const Growth& expected_of_tools, BootTime at) const {
  if (!used_) return std::nullopt;
  const double tools =
      expected_of_tools.mean + options_.tool_sigmas * std::sqrt(expected_of_tools.variance);
  const double windows =
      std::chrono::duration<double>(at - began_at_).count() / options_.horizon_seconds;
  const double unseen = std::exp2(-std::max(0.0, windows) / options_.cold_windows);
  const double cold = options_.cold_share * *used_ * unseen;
  const double one_burst =
      std::min(options_.least_bytes, std::max(most_growth_, options_.least_bytes * unseen));
  const double reserve =
      std::max({GrowthQuantile(), tools, options_.least_share * *used_, one_burst});
  const double estimate = *used_ + reserve * options_.generosity + cold;
  const bool asked = asked_ > 0 && at - asked_at_ < Seconds(options_.horizon_seconds);
  return asked ? std::max(estimate, asked_) : estimate;
}

}  // namespace ballast::forecast

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
      growth_({.buckets = kGrowthBuckets, .half_life_seconds = options.half_life_seconds}) {}

void PooledDemand::Observe(double used_bytes, BootTime at) {
  if (used_ && at <= at_) return;  // a reader that joined again
  if (!used_) began_at_ = at;
  used_ = used_bytes;
  at_ = at;
  while (!highest_.empty() && highest_.back().used <= used_bytes) highest_.pop_back();
  highest_.push_back({at, used_bytes});
  const auto horizon = Seconds(options_.horizon_seconds);
  while (!open_.empty() && at - open_.front().at >= horizon) {
    const Reading then = open_.front();
    open_.pop_front();
    while (highest_.front().at <= then.at) highest_.pop_front();
    growth_.Add(std::max(0.0, highest_.front().used - then.used), at);
  }
  open_.push_back({at, used_bytes});
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
  const double reserve = std::max({growth_.Quantile(options_.quantile), tools,
                                   options_.least_share * *used_, options_.least_bytes});
  const double windows =
      std::chrono::duration<double>(at - began_at_).count() / options_.horizon_seconds;
  const double cold =
      options_.cold_share * *used_ * std::exp2(-std::max(0.0, windows) / options_.cold_windows);
  const double estimate = *used_ + reserve * options_.generosity + cold;
  const bool asked = asked_ > 0 && at - asked_at_ < Seconds(options_.horizon_seconds);
  return asked ? std::max(estimate, asked_) : estimate;
}

}  // namespace ballast::forecast

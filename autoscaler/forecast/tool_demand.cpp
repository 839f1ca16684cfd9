#include "autoscaler/forecast/tool_demand.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {
namespace {

constexpr double kFirstStretchSeconds = 0.1;

double Seconds(BootTime from, BootTime to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

}  // namespace

double ToolDemand::StretchBegin(std::size_t stretch) {
  return stretch == 0 ? 0 : std::ldexp(kFirstStretchSeconds, static_cast<int>(stretch) - 1);
}

std::size_t ToolDemand::StretchOf(double age_seconds) {
  if (age_seconds < kFirstStretchSeconds) return 0;
  const int doubled = std::ilogb(age_seconds / kFirstStretchSeconds);
  return std::min(kStretches - 1, static_cast<std::size_t>(doubled) + 1);
}

void ToolDemand::Begin(const model::WorkloadKey& key, std::uint64_t span, std::string_view program,
                       double used, BootTime at) {
  std::vector<Call>& calls = open_[key];
  const auto known = std::ranges::find(calls, span, &Call::span);
  if (known != calls.end()) {
    known->program = program;
    return;
  }
  if (calls.size() >= options_.most_open_calls) calls.erase(calls.begin());
  calls.push_back({span, std::string(program), used, used, at, at, {}});
}

void ToolDemand::Observe(const model::WorkloadKey& key, double used, BootTime at) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  for (Call& call : found->second) {
    call.seen_at = std::max(call.seen_at, at);
    if (used <= call.highest) continue;
    call.grown[StretchOf(Seconds(call.began_at, at))] += static_cast<float>(used - call.highest);
    call.highest = used;
  }
}

void ToolDemand::Add(Known& known, const Call& call, double half_life_calls) {
  const double factor = std::exp2(-1 / half_life_calls);
  const double growth = call.highest - call.at_begin;
  const std::size_t last = StretchOf(Seconds(call.began_at, call.seen_at));
  known.calls = known.calls * factor + 1;
  for (std::size_t k = 0; k < kStretches; ++k) {
    const bool lived = k <= last;
    known.alive[k] = known.alive[k] * factor + (lived ? 1 : 0);
    known.grown[k] = known.grown[k] * factor + static_cast<double>(call.grown[k]);
    known.total[k] = known.total[k] * factor + (lived ? growth : 0);
    known.squares[k] = known.squares[k] * factor + (lived ? growth * growth : 0);
  }
}

void ToolDemand::Learn(const Call& call) {
  Add(all_, call, options_.half_life_calls * 10);
  auto found = programs_.find(call.program);
  if (found == programs_.end()) {
    if (programs_.size() >= options_.most_programs)
      programs_.erase(std::ranges::min_element(programs_, {},
                                               [](const auto& one) { return one.second.calls; }));
    found = programs_.emplace(call.program, Known{}).first;
  }
  Add(found->second, call, options_.half_life_calls);
}

void ToolDemand::End(const model::WorkloadKey& key, std::uint64_t span, BootTime at) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  std::vector<Call>& calls = found->second;
  const auto call = std::ranges::find(calls, span, &Call::span);
  if (call == calls.end()) return;
  call->seen_at = std::max(call->seen_at, at);
  Learn(*call);
  calls.erase(call);
  if (calls.empty()) open_.erase(found);
}

void ToolDemand::Forget(const model::WorkloadKey& key) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  for (const Call& call : found->second) Learn(call);
  open_.erase(found);
}

Growth ToolDemand::GrowthOf(const Call& call, BootTime at) const {
  const double age = Seconds(call.began_at, at);
  const std::size_t now = StretchOf(age);
  const auto found = programs_.find(call.program);
  const Known* own = found == programs_.end() ? nullptr : &found->second;
  const double prior = all_.calls > 0 ? options_.prior_calls / all_.calls : 0;
  const auto sum = [&](const ByStretch<double> Known::*of, std::size_t stretch) {
    return (all_.*of)[stretch] * prior + (own == nullptr ? 0 : (own->*of)[stretch]);
  };
  const double alive = sum(&Known::alive, now);
  if (alive <= 0) return {};
  const double whole = sum(&Known::total, now) / alive;  // m of (1)
  if (whole <= 0) return {};
  const double end = age + options_.horizon_seconds;
  double coming = 0;
  for (std::size_t k = now; k < kStretches && StretchBegin(k) < end; ++k) {
    const double from = StretchBegin(k);
    const double length = k + 1 < kStretches ? StretchBegin(k + 1) - from : from;
    const double part = std::min(end, from + length) - std::max(age, from);
    coming += sum(&Known::grown, k) * std::clamp(part / length, 0.0, 1.0);
  }
  const double mean =
      std::min(coming / alive, std::max(0.0, whole - (call.highest - call.at_begin)));
  const double variance = std::max(0.0, sum(&Known::squares, now) / alive - whole * whole);
  const double share = std::clamp(mean / whole, 0.0, 1.0);
  return {mean, share * variance + share * (1 - share) * whole * whole};
}

Growth ToolDemand::Expected(const model::WorkloadKey& key, BootTime at) const {
  Growth sum;
  const auto found = open_.find(key);
  if (found == open_.end()) return sum;
  for (const Call& call : found->second) {
    const Growth one = GrowthOf(call, at);
    sum.mean += one.mean;
    sum.variance += one.variance;
  }
  return sum;
}

Growth ToolDemand::ExpectedSum(BootTime at) const {
  Growth sum;
  for (const auto& [key, calls] : open_) {
    const Growth one = Expected(key, at);
    sum.mean += one.mean;
    sum.variance += one.variance;
  }
  return sum;
}

}  // namespace ballast::forecast

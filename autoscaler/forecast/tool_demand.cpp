#include "autoscaler/forecast/tool_demand.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {

void ToolDemand::Known::Learn(double growth, double half_life_calls) {
  const double factor = std::exp2(-1 / half_life_calls);
  calls = calls * factor + 1;
  sum = sum * factor + growth;
  squares = squares * factor + growth * growth;
}

void ToolDemand::Begin(const model::WorkloadKey& key, std::uint64_t span, std::string_view program,
                       double used) {
  std::vector<Call>& calls = open_[key];
  const auto known = std::ranges::find(calls, span, &Call::span);
  if (known != calls.end()) {
    known->program = program;
    return;
  }
  if (calls.size() >= options_.most_open_calls) calls.erase(calls.begin());
  calls.push_back({span, std::string(program), used, used});
}

void ToolDemand::Observe(const model::WorkloadKey& key, double used) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  for (Call& call : found->second) call.highest = std::max(call.highest, used);
}

void ToolDemand::Learn(const Call& call) {
  const double growth = call.highest - call.at_begin;
  all_.Learn(growth, options_.half_life_calls * 10);
  auto found = programs_.find(call.program);
  if (found == programs_.end()) {
    if (programs_.size() >= options_.most_programs)
      programs_.erase(std::ranges::min_element(programs_, {},
                                               [](const auto& one) { return one.second.calls; }));
    found = programs_.emplace(call.program, Known{}).first;
  }
  found->second.Learn(growth, options_.half_life_calls);
}

void ToolDemand::End(const model::WorkloadKey& key, std::uint64_t span) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  std::vector<Call>& calls = found->second;
  const auto call = std::ranges::find(calls, span, &Call::span);
  if (call == calls.end()) return;
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

Growth ToolDemand::GrowthOf(const Call& call) const {
  Known known;
  const auto found = programs_.find(call.program);
  if (found != programs_.end()) known = found->second;
  if (all_.calls > 0) {
    const double weight = options_.prior_calls / all_.calls;
    known.calls += options_.prior_calls;
    known.sum += all_.sum * weight;
    known.squares += all_.squares * weight;
  }
  if (known.calls <= 0) return {};
  const double mean = known.sum / known.calls;
  const double variance = std::max(0.0, known.squares / known.calls - mean * mean);
  return {std::max(0.0, mean - (call.highest - call.at_begin)), variance};
}

Growth ToolDemand::Expected(const model::WorkloadKey& key) const {
  Growth sum;
  const auto found = open_.find(key);
  if (found == open_.end()) return sum;
  for (const Call& call : found->second) {
    const Growth one = GrowthOf(call);
    sum.mean += one.mean;
    sum.variance += one.variance;
  }
  return sum;
}

Growth ToolDemand::ExpectedSum() const {
  Growth sum;
  for (const auto& [key, calls] : open_)
    for (const Call& call : calls) {
      const Growth one = GrowthOf(call);
      sum.mean += one.mean;
      sum.variance += one.variance;
    }
  return sum;
}

}  // namespace ballast::forecast

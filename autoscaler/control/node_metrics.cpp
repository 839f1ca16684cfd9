#include "autoscaler/control/node_metrics.h"

namespace ballast::control {

using metrics::Metric;

NodeMetrics NodeMetrics::Make(metrics::Registry& registry, bool shared_pool) {
  NodeMetrics made;
  for (std::size_t i = 0; i < kOutcomes.size(); ++i)
    made.decisions[i] = registry.GetCounter(Metric::kDecisions, {kOutcomes[i]});
  for (std::size_t i = 0; i < made.actuations.size(); ++i)
    made.actuations[i] = registry.GetCounter(Metric::kActuations,
                                             {actuate::ToString(static_cast<actuate::Outcome>(i))});
  constexpr std::array kKinds = {"tick", "event", "key"};
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    made.records[i] = registry.GetCounter(Metric::kRecordsRead, {kKinds[i]});
  for (std::size_t i = 0; i < kHeldReasons.size(); ++i)
    made.held[i] = registry.GetGauge(Metric::kHeld, {kHeldReasons[i]});
  made.reaction = registry.GetHistogram(Metric::kReaction);
  made.loop_duration = registry.GetHistogram(Metric::kLoopDuration);
  made.journal_events = registry.GetGauge(Metric::kJournalEvents);
  made.lease_renewed = registry.GetCounter(Metric::kLeaseRenewed);
  constexpr std::array kLevels = {"none", "throttled", "frozen"};
  for (std::size_t i = 0; i < kLevels.size(); ++i)
    made.degrade_steps[i] = registry.GetCounter(Metric::kDegradeSteps, {kLevels[i]});
  for (std::size_t i = 0; i < made.degraded.size(); ++i)
    made.degraded[i] = registry.GetGauge(Metric::kDegraded, {kLevels[i + 1]});
  constexpr std::array kDirections = {"down", "up"};
  for (std::size_t i = 0; i < kDirections.size(); ++i) {
    made.changed_cpu[i] = registry.GetCounter(Metric::kChangedCpu, {kDirections[i]});
    made.changed_memory[i] = registry.GetCounter(Metric::kChangedMemory, {kDirections[i]});
  }
  made.uneconomic = registry.GetCounter(Metric::kUneconomic);
  constexpr std::array kPoolValues = {"limit", "used", "demand"};
  for (std::size_t i = 0; shared_pool && i < kPoolValues.size(); ++i)
    made.pool[i] = registry.GetGauge(Metric::kMemoryPool, {kPoolValues[i]});
  return made;
}

void NodeMetrics::SetPool(std::optional<std::int64_t> limit, std::int64_t used,
                          std::optional<std::int64_t> demand) {
  if (limit) pool[0].Set(static_cast<double>(*limit));
  pool[1].Set(static_cast<double>(used));
  if (demand) pool[2].Set(static_cast<double>(*demand));
}

void NodeMetrics::CountDecision(std::string_view outcome) {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i)
    if (outcome == kOutcomes[i]) decisions[i].Add();
}

void NodeMetrics::CountChange(actuate::Resource resource, bool lowers, std::int64_t amount) {
  const auto direction = static_cast<std::size_t>(lowers ? 0 : 1);
  if (resource == actuate::Resource::kCpu)
    changed_cpu[direction].Add(static_cast<double>(amount) / 1000);
  else
    changed_memory[direction].Add(static_cast<double>(amount));
}

void NodeMetrics::SetHeld(const char* reason) {
  for (std::size_t i = 0; i < kHeldReasons.size(); ++i)
    held[i].Set(reason != nullptr && std::string_view(reason) == kHeldReasons[i] ? 1 : 0);
}

}  // namespace ballast::control

#pragma once

// The autoscaler's own metrics. Made by default they count into nothing, which
// is what tests, replays and simulations want.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "autoscaler/actuate/actuator.h"
#include "collector/metrics/registry.h"

namespace ballast::control {

struct NodeMetrics {
  static constexpr std::array kOutcomes = {"applied", "recommended", "held", "refused", "failed"};
  static constexpr std::array kHeldReasons = {"no_key", "stale", "no_solution", "stopped"};

  std::array<metrics::Counter, kOutcomes.size()> decisions;
  std::array<metrics::Counter, 6> actuations;  // by actuate::Outcome
  std::array<metrics::Counter, 3> records;     // by alternative of Record::body
  std::array<metrics::Gauge, kHeldReasons.size()> held;
  metrics::Histogram reaction;
  metrics::Histogram loop_duration;
  metrics::Gauge journal_events;
  metrics::Counter lease_renewed;
  std::array<metrics::Gauge, 2> degraded;         // throttled, frozen
  std::array<metrics::Counter, 3> degrade_steps;  // by guard::DegradeLevel that was reached
  // How far limits were moved: [down, up] of each, in cores and bytes.
  std::array<metrics::Counter, 2> changed_cpu;
  std::array<metrics::Counter, 2> changed_memory;
  metrics::Counter uneconomic;
  std::array<metrics::Gauge, 3> pool;  // limit, used, demand; absent without a shared pool

  // With the series of a shared pool, or without.
  static NodeMetrics Make(metrics::Registry& registry, bool shared_pool = false);

  void SetPool(std::optional<std::int64_t> limit, std::int64_t used,
               std::optional<std::int64_t> demand);
  void CountDecision(std::string_view outcome);
  // Millicores or bytes.
  void CountChange(actuate::Resource resource, bool lowers, std::int64_t amount);
  // nullptr: nothing is held.
  void SetHeld(const char* reason);
};

}  // namespace ballast::control

#pragma once

// How much all workloads of a host need together, so that bursts are served out
// of one pool instead of one reserve each:
//
//   reservation = S + max(Q_p(G), T, least) * generosity + cold                    (1)
//
//   S     what is used now by all
//   G     how much S grows within the horizon: for every moment the highest S of the
//         next `horizon_seconds` minus S then, a decaying distribution with a fitted
//         tail (burst_tail.h). It is the quantile of the host's sum, correlation
//         between workloads included, not the sum of their quantiles. A sum near its highest
//         grows less than one near its lowest: there is a distribution for each level of S
//         between both, and one of all for levels that were seen too little.
//   T     what the tool calls that run now are still expected to add: mean + z * sigma
//         of the sum (tool_demand.h)
//   least a share of S, and on small hosts the burst of one workload: the largest growth that was
//         seen, up to `least_bytes`, and those while little was seen
//   cold  while little was seen: cold_share * S, halved after every `cold_windows`
//         horizons that were seen
//
// What a refusal hides (the sum cannot grow above the pool) comes to light as soon as the
// pool grows, one loop later; until then the pool is raised by `refusal_share`.
// O(1) per observation, amortised; memory bounded by horizon over tick.
// Pure; time is the records' own. Not thread-safe; owned by the loop.

#include <deque>
#include <optional>
#include <vector>

#include "autoscaler/forecast/burst_tail.h"
#include "autoscaler/forecast/tool_demand.h"
#include "collector/base/clock.h"

namespace ballast::forecast {

struct PooledDemandOptions {
  // Longer: more slack, fewer waits. At least what growing the pool takes, a few times over.
  double horizon_seconds = 4;
  // Of the growth within the horizon; raise it if tasks wait at the pool.
  double quantile = 0.99;
  double half_life_seconds = 1800;
  // Levels of the sum that are told apart have this many horizons of their own.
  double level_windows = 12;
  double tool_sigmas = 2;
  double least_share = 0.02;
  double least_bytes = 512.0 * (1 << 20);
  double refusal_share = 0.05;
  // Between two such raises: how long it takes until a raise is felt.
  double answer_seconds = 0.5;
  double cold_share = 0.25;
  double cold_windows = 24;
  double generosity = 1;
};

class PooledDemand {
 public:
  explicit PooledDemand(PooledDemandOptions options = {});

  // What all use, at its highest since the last observation.
  void Observe(double used_bytes, BootTime at);
  // Somebody waits at the pool's limit.
  void Refused(double in_force_bytes, BootTime at);

  // Absent before the first observation.
  std::optional<double> Estimate(const Growth& expected_of_tools, BootTime at) const;

 private:
  static constexpr std::size_t kLevels = 4;
  struct Reading {
    BootTime at{};
    double used = 0;
    std::size_t level = 0;
  };
  struct Level {
    BurstTail growth;
    double seconds = 0;  // that were seen of it, decayed as the growth is
  };

  std::size_t LevelOf(double used) const;
  void Span(double used, double seconds);
  double GrowthQuantile() const;

  PooledDemandOptions options_;
  BurstTail growth_;  // at all levels
  std::vector<Level> levels_;
  // Between these the sum moved lately; both come back to it as growth is forgotten.
  double lowest_ = 0;
  double highest_level_ = 0;
  double most_growth_ = 0;       // within a horizon, forgotten as the rest
  std::deque<Reading> open_;     // whose horizon has not passed, oldest first
  std::deque<Reading> highest_;  // falling use: the front is the highest of what is open
  std::optional<double> used_;
  BootTime began_at_{};
  BootTime at_{};
  // What a refusal asked for, until the growth that it hid has been seen.
  double asked_ = 0;
  BootTime asked_at_{};
};

}  // namespace ballast::forecast

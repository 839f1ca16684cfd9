#pragma once

// What a workload would use if nothing stopped it. Use is censored by the
// limit: a workload at its limit shows the limit, not its demand; so what the
// kernel refused corrects it. Estimators are chosen per host; each is a
// function of what it observed, with the records' time only.
// Not thread-safe; owned by the loop.

#include <cstdint>
#include <memory>
#include <optional>

#include "autoscaler/forecast/observation.h"

namespace ballast::forecast {

// Absent: not enough is known yet to say anything.
struct Demand {
  std::optional<double> cpu_millicores;
  std::optional<double> memory_bytes;
};

// The limit that was in force; absent: none.
struct Limits {
  std::optional<double> cpu_millicores;
  std::optional<double> memory_bytes;
};

class Estimator {
 public:
  virtual ~Estimator() = default;
  // Requires: observations of one workload in the order of their time.
  virtual void Observe(const Observation& seen, const Limits& in_force) = 0;
  // The kernel refused it at this moment: at once, before any counter says so.
  virtual void CpuRefused(BootTime at, const Limits& in_force) = 0;
  virtual void MemoryRefused(BootTime at, const Limits& in_force) = 0;
  virtual Demand Estimate(BootTime at) const = 0;
};

}  // namespace ballast::forecast

#include <algorithm>

#include "autoscaler/plan/plan.h"

namespace ballast::plan {

Prediction PredictMove(Amount memory_bytes, const VmMotion& motion, const PlanLimits& limits) {
  Prediction predicted;
  const double bandwidth = limits.bytes_per_s;
  const double most_dirty = static_cast<double>(
      motion.working_set_bytes > 0 ? std::min(motion.working_set_bytes, memory_bytes)
                                   : memory_bytes);
  const double switchable =
      std::max(0.0, limits.most_downtime_s - limits.fixed_downtime_s) * bandwidth;
  double left = static_cast<double>(memory_bytes);
  double copied = 0;
  int round = 0;
  // The first round always runs: everything is "dirty" at first.
  for (; round < limits.most_rounds && (round == 0 || left > switchable); ++round) {
    copied += left;
    const double next = std::min(motion.dirty_bytes_per_s * left / bandwidth, most_dirty);
    // A round that does not shrink never will: the rate outruns the link.
    if (round > 0 && next >= left && next > switchable) {
      left = next;
      predicted.converges = false;
      break;
    }
    left = next;
  }
  if (left > switchable) predicted.converges = false;
  copied += left;
  predicted.copied_bytes = static_cast<Amount>(copied);
  predicted.downtime_s = limits.fixed_downtime_s + left / bandwidth;
  predicted.duration_s = copied / bandwidth + limits.fixed_downtime_s;
  return predicted;
}

}  // namespace ballast::plan

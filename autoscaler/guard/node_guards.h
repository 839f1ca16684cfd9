#pragma once

// The guards of the node loop and their order.

#include <chrono>

#include "autoscaler/guard/guard.h"

namespace ballast::guard {

struct GuardOptions {
  // Affects decisions.
  // Shrinking starts when demand has stayed away from the limit for so long. Raise it if limits
  // follow bursts down too early.
  std::chrono::milliseconds shrink_hold{1000};
  // ... then by at most this share of the limit, every so often.
  double shrink_step = 0.5;
  std::chrono::milliseconds shrink_interval{500};
  // A limit stands at least this share, and this amount, above what is used now.
  double use_margin = 0.10;
  Amount use_margin_least = 0;
  // A change smaller than this share of the limit, or this amount, is not worth a write.
  double deadband = 0.05;
  Amount deadband_least = 0;
  // A change that nothing needs is made if what it gains for as long as it is expected to hold
  // (unit-seconds: freed for others, or room given ahead) is more than this, the price of
  // disturbing the workload: a write, its reading back, telling an owner, and the refusal that ends
  // it. Raise it if limits follow what does not last.
  double change_price = 0;
};

// In this order: bounds, slow shrinking, deadband, economic test, change budget, use plus
// margin, ceiling, cool-down. Growing at once is the absence of a rule.
GuardList MakeNodeGuards(const GuardOptions& options);

}  // namespace ballast::guard

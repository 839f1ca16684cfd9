#pragma once

// A controller without a model: every second each agent's limit is what it used
// in that second at most, times 1.15, plus 100 MB of memory or 0.1 of a core.

#include "autoscaler/simulate/policy.h"

namespace ballast::simulate {

std::unique_ptr<Policy> MakeReactive(const PolicyOptions& options);

}  // namespace ballast::simulate

#pragma once

// Autopilot's moving-window recommenders in an ensemble chosen by regret
// (forecast/regret_ensemble.h; EuroSys 2020). Samples of all tasks of the job in windows of
// five minutes, for memory the highest of each task; one limit for all tasks, the
// highest that was recommended in the last hour (section 3.2.1); an OOM kill raises it at
// once by a tenth. It starts with the history learned.

#include "autoscaler/simulate/policy.h"

namespace ballast::simulate {

std::unique_ptr<Policy> MakeAutopilot(const PolicyOptions& options);

}  // namespace ballast::simulate

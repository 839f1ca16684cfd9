#pragma once

// Ballast itself: the node loop that runs on live hosts, fed with the records that a
// collector would have made of the simulated host, writing through an actuator that sets the
// simulated limits. Nothing in between decides anything.
//
//   ballast          the workloads share one pool (DESIGN, section 4): the parent's
//                    memory.high is the reservation, a workload may take all that is free.
//   ballast-limits   every workload has its own memory.high and nothing is shared: what is
//                    written live where no shared_pool is configured.

#include "autoscaler/simulate/policy.h"

namespace ballast::simulate {

std::unique_ptr<Policy> MakeBallast(const PolicyOptions& options);
std::unique_ptr<Policy> MakeBallastLimits(const PolicyOptions& options);
// Ablations: the same without predicting a tool call's burst from its exec.
std::unique_ptr<Policy> MakeBallastNoTools(const PolicyOptions& options);
std::unique_ptr<Policy> MakeBallastLimitsNoTools(const PolicyOptions& options);

}  // namespace ballast::simulate

#pragma once

// Limits that never change, and the oracles.
//
//   static-peak     limit = request = P99 of task peaks + 15 %: what a careful user
//                   sets who knows the fleet's past. CPU the same way.
//   static-request  Kubernetes' Burstable class: P95 of the samples is requested and
//                   reserved, the limit is static-peak's. The node has what was
//                   requested; when that is used up, the kernel kills the largest
//                   (node-pressure OOM).
//   oracle-peak     each task's own peak, known before it starts.
//   oracle-pool     one pool, as large as the highest sum of the whole run will be.

#include "autoscaler/simulate/policy.h"

namespace ballast::simulate {

std::unique_ptr<Policy> MakeStaticPeak(const PolicyOptions& options);
std::unique_ptr<Policy> MakeStaticRequest(const PolicyOptions& options);
std::unique_ptr<Policy> MakeOraclePeak(const PolicyOptions& options);
std::unique_ptr<Policy> MakeOraclePool(const PolicyOptions& options,
                                       const std::vector<Trace>& traces);

}  // namespace ballast::simulate

#pragma once

// Kubernetes' Vertical Pod Autoscaler with in-place updates, from its published rules
// (autoscaler/vertical-pod-autoscaler, pkg/recommender):
//
//   memory   the highest use of each container in its aggregation interval goes into a
//            decaying histogram (half-life 24 h); target P90, lower bound P50, upper P95,
//            each + 15 %, at least 250 MB; an OOM kill counts as a peak of use + 100 MB or
//            * 1.2, whichever is more
//   CPU      every sample (one a minute), weighted by the request; the same quantiles
//   bounds   upper * (1 + 1/confidence), lower * (1 + 0.001/confidence)^-2, confidence
//            in days of samples
//   updater  every minute: a container outside the bounds gets the target in place;
//            new ones start with the target. limit = request = target.
//
// One recommendation for all agents, as VPA has one per controller. It starts with
// the history learned.

#include "autoscaler/simulate/policy.h"

namespace ballast::simulate {

std::unique_ptr<Policy> MakeVpa(const PolicyOptions& options);

}  // namespace ballast::simulate

#pragma once

// Constructive starts: greedy placements from nothing. Each is a pure function
// of the instance; hosts are opened in order of cost for what they hold.

#include "autoscaler/consolidate/bounds.h"
#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// What one unit of each resource weighs when sizes are compared: the volume
// bound's prices, with a share of plain scarcity so that no resource is free.
std::vector<double> ResourceWeights(const Instance& in, const VolumeBound& volume);

// Weighted size of each VM under `weights`.
std::vector<double> WeightedSizes(const Instance& in, const std::vector<double>& weights);

// Hosts that stay on first, then by cost per weighted capacity, larger first.
std::vector<int> HostOrder(const Instance& in, const std::vector<double>& weights);

// First-fit by decreasing weighted size.
Packing FirstFitDecreasing(const Instance& in, const std::vector<double>& weights, WorkMeter& work);

}  // namespace ballast::consolidate

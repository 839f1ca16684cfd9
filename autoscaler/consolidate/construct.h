#pragma once

// Constructive starts: greedy placements from nothing. Each is a pure function
// of the instance; hosts are opened in order of cost for what they hold.

#include <functional>

#include "autoscaler/consolidate/bounds.h"
#include "autoscaler/consolidate/fill.h"
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

// Which host to open next. With several resources it is the mix of types that
// decides: hosts rich in CPU cannot replace hosts rich in memory. So the volume
// LP of what is still unplaced is solved again and again, and the largest host
// that it wants is opened.
class HostChooser {
 public:
  // Hosts that `packing` uses count as open.
  HostChooser(const Packing& packing, const std::vector<double>& weights);

  // The next host given what `packing` has not placed; -1 when all are open.
  int Next(const Packing& packing);

 private:
  void Refresh(const Packing& packing);
  int Take(int type);

  const Instance& in_;             // outlives the chooser
  std::vector<int> order_;         // HostOrder
  std::vector<double> size_;       // of each type, weighted
  std::vector<int> left_;          // hosts of each type not yet open
  std::vector<std::size_t> next_;  // of each type: hosts before this are open
  std::size_t next_in_order_ = 0;
  std::vector<double> wanted_;  // of each type, by the last LP
  std::vector<char> open_;      // by host
  int until_refresh_ = 0;
};

// Places what `packing` has not placed: first into hosts in use where it fits,
// then host after host, each filled as tightly as the rest allows (fill.h).
// What fits nowhere stays unplaced.
void Complete(Packing& packing, const std::vector<double>& weights, const FillEffort& effort,
              Random& random, WorkMeter& work);

// Complete() from nothing.
Packing FillHostByHost(const Instance& in, const std::vector<double>& weights,
                       const FillEffort& effort, Random& random, WorkMeter& work);

// The greedy family of the literature, for problems of moderate size: first fit
// and best fit by several measures of size, and the dot product of demand and
// room. Calls `offer` with each packing, complete or not.
void TryGreedyFamily(const Instance& in, const std::vector<double>& weights, WorkMeter& work,
                     const std::function<void(const Packing&)>& offer);

}  // namespace ballast::consolidate

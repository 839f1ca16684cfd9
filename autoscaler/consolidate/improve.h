#pragma once

// Host-emptying large-neighbourhood search. One host is the sink; again and
// again a few other hosts and the sink are emptied together, the others filled
// as tightly as possible, and what is left goes back into the sink. A step is
// kept when the sink gets no fuller, so the slack of many hosts collects in one
// until that one is empty and can be switched off. Every step is a valid
// placement.
//
// Hosts are dealt out to lanes; a lane works on its own hosts only, so lanes can
// run on any number of threads and merge without conflict. Deal, quotas and
// seeds depend on the round's number alone: threads never change the outcome.

#include <vector>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/solve.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

class Improver {
 public:
  Improver(const Instance& in, std::vector<double> weights, const SolveOptions& options);

  // One round on `packing`, which must be complete and stays so. Spends about
  // `quota` units. True when the cost fell.
  bool Round(Packing& packing, std::int64_t quota, WorkMeter& work);

 private:
  struct Lane;

  std::vector<Lane> Deal(const Packing& packing, std::int64_t quota) const;
  void RunLane(Lane& lane) const;

  const Instance& in_;  // outlives the improver
  std::vector<double> weights_;
  std::vector<double> sizes_;  // weighted, of each VM
  const SolveOptions& options_;
  std::uint64_t round_ = 0;
};

// Moves the VMs of each host to the cheapest unused host that takes them all,
// where that is cheaper. Returns whether anything moved.
bool MoveToCheaperHosts(Packing& packing, WorkMeter& work);

}  // namespace ballast::consolidate

#pragma once

// A k-d tree over VM demands that answers "which VM of the pool fills this gap
// best": the one of largest weighted size among those that fit component-wise.
// VMs enter and leave the pool in O(depth). One query touches a few dozen nodes
// in two or three resources, whatever the number of VMs.
//
// Not thread-safe; owned by one filler.

#include <vector>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

class ItemTree {
 public:
  // All of `vms` are in the pool at first. `weights` per resource as in
  // construct.h. O(n log n).
  ItemTree(const Instance& in, const std::vector<int>& vms, const std::vector<double>& weights);

  // The VM of the pool with the largest weighted size that fits on `host` now
  // (all constraints) and is larger than `above`; -1 if there is none.
  int FindLargest(const Packing& packing, int host, double above, WorkMeter& work) const;

  void Insert(int vm) { SetAlive(vm, true); }
  void Erase(int vm) { SetAlive(vm, false); }
  int size() const { return nodes_.empty() ? 0 : nodes_[0].alive; }
  double SizeOf(int vm) const { return size_[slot_of_[vm]]; }
  // The VM at a random place of the pool; -1 when it is empty.
  int Pick(std::uint64_t random) const;

 private:
  struct Node {
    int begin = 0, end = 0;  // of order_
    int left = -1, right = -1;
    int parent = -1;
    int alive = 0;
  };
  struct Search;

  int Build(int begin, int end, int parent);
  void SetAlive(int vm, bool alive);

  const Instance* in_;  // outlives the tree
  std::vector<double> weights_;
  std::vector<Node> nodes_;
  std::vector<Amount> low_, high_;  // corners of nodes, [node * resources + k]
  std::vector<int> order_;          // VMs, leaf by leaf
  std::vector<double> size_;        // weighted, as order_
  std::vector<char> alive_;         // as order_
  std::vector<int> leaf_of_;        // as order_
  std::vector<int> slot_of_;        // of a VM in order_; by VM
};

}  // namespace ballast::consolidate

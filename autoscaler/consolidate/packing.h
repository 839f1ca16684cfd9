#pragma once

// A partial placement that the search changes step by step. Knows the room left
// on every host and the anti-affinity counts; constraints (2)-(4) hold at all
// times for what is placed. Not thread-safe; each lane owns one.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "autoscaler/consolidate/instance.h"

namespace ballast::consolidate {

class Packing {
 public:
  explicit Packing(const Instance& in);

  // Room, permission and anti-affinity; whether `vm` could be placed now.
  bool Fits(int vm, int host) const;
  // Requires: vm is not placed, Fits(vm, host).
  void Place(int vm, int host);
  // Requires: vm is placed.
  void Remove(int vm);

  const Placement& placement() const { return host_of_; }
  int HostOf(int vm) const { return host_of_[vm]; }
  const std::vector<int>& VmsOn(int host) const { return vms_on_[host]; }
  const Amount* FreeOf(int host) const {
    return free_.data() + static_cast<std::size_t>(host) * in_->resources;
  }
  bool is_used(int host) const { return !vms_on_[host].empty(); }
  int unplaced_count() const { return unplaced_; }
  // Of the hosts in use, without Instance::fixed_cost.
  Cost cost() const { return cost_; }
  const Instance& instance() const { return *in_; }

 private:
  bool FitsSets(int vm, int host) const;
  void CountSets(int vm, int host, int by);

  const Instance* in_;  // outlives the packing
  Placement host_of_;
  std::vector<int> slot_of_;  // of a VM in vms_on_[host]
  std::vector<std::vector<int>> vms_on_;
  std::vector<Amount> free_;
  std::unordered_map<std::uint64_t, int> set_count_;  // (set, host) -> VMs of the set there
  int unplaced_ = 0;
  Cost cost_ = 0;
};

// `placement` with impossible parts left out, in VM order: what does not fit any more stays
// unplaced.
Packing MakePacking(const Instance& in, const Placement& placement);

}  // namespace ballast::consolidate

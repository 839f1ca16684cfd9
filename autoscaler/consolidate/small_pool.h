#pragma once

// The pool of item_tree.h for up to a few hundred VMs: a plain scan by falling
// weighted size, which at that number is faster than any tree.
//
// Not thread-safe; owned by one filler.

#include <algorithm>
#include <vector>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

class SmallPool {
 public:
  // `sizes` are the weighted sizes of all VMs and outlive the pool.
  SmallPool(const Instance& in, const std::vector<double>& sizes)
      : in_(in), sizes_(sizes), slot_of_(static_cast<std::size_t>(in.vm_count()), -1) {}

  // Forgets the old pool; all of `vms` are in the new one.
  void Reset(const std::vector<int>& vms) {
    vms_ = vms;
    std::sort(vms_.begin(), vms_.end(), [this](int a, int b) {
      return sizes_[a] != sizes_[b] ? sizes_[a] > sizes_[b] : a < b;
    });
    alive_.assign(vms_.size(), 1);
    size_ = static_cast<int>(vms_.size());
    for (std::size_t slot = 0; slot < vms_.size(); ++slot)
      slot_of_[vms_[slot]] = static_cast<int>(slot);
  }

  int FindLargest(const Packing& packing, int host, double above, WorkMeter& work) const {
    const Amount* free = packing.FreeOf(host);
    const bool constrained = !in_.allowed.empty() || !in_.sets_of.empty();
    std::size_t slot = 0;
    int found = -1;
    for (; slot < vms_.size(); ++slot) {
      const int vm = vms_[slot];
      if (sizes_[vm] <= above) break;
      if (!alive_[slot]) continue;
      const Amount* demand = in_.demand.data() + static_cast<std::size_t>(vm) * in_.resources;
      bool fits = true;
      for (int k = 0; k < in_.resources; ++k) fits &= demand[k] <= free[k];
      if (!fits || (constrained && !packing.Fits(vm, host))) continue;
      found = vm;
      break;
    }
    work.Spend(1 + static_cast<std::int64_t>(slot) / 8);
    return found;
  }

  void Insert(int vm) { Set(vm, 1); }
  void Erase(int vm) { Set(vm, 0); }
  int size() const { return size_; }
  double SizeOf(int vm) const { return sizes_[vm]; }
  int Pick(std::uint64_t random) const {
    if (size_ == 0) return -1;
    // A dead slot passes the choice on to the next living one: nearly uniform.
    std::size_t slot = random % vms_.size();
    while (!alive_[slot]) slot = slot + 1 == vms_.size() ? 0 : slot + 1;
    return vms_[slot];
  }
  // What is left, by falling size.
  std::vector<int> Rest() const {
    std::vector<int> rest;
    for (std::size_t slot = 0; slot < vms_.size(); ++slot)
      if (alive_[slot]) rest.push_back(vms_[slot]);
    return rest;
  }

 private:
  void Set(int vm, char alive) {
    char& now = alive_[static_cast<std::size_t>(slot_of_[vm])];
    size_ += alive - now;
    now = alive;
  }

  const Instance& in_;  // outlives the pool
  const std::vector<double>& sizes_;
  std::vector<int> vms_;
  std::vector<char> alive_;
  std::vector<int> slot_of_;  // of a VM in vms_; stale for VMs outside the pool
  int size_ = 0;
};

}  // namespace ballast::consolidate

#include "autoscaler/consolidate/packing.h"

namespace ballast::consolidate {
namespace {

std::uint64_t SetKey(int set, int host) {
  return static_cast<std::uint64_t>(set) << 32 | static_cast<std::uint32_t>(host);
}

}  // namespace

Packing::Packing(const Instance& in)
    : in_(&in),
      host_of_(static_cast<std::size_t>(in.vm_count()), kNoHost),
      slot_of_(static_cast<std::size_t>(in.vm_count()), 0),
      vms_on_(static_cast<std::size_t>(in.host_count())),
      free_(in.capacity),
      unplaced_(in.vm_count()) {}

bool Packing::FitsSets(int vm, int host) const {
  for (const int set : in_->sets_of[vm]) {
    const auto count = set_count_.find(SetKey(set, host));
    if (count != set_count_.end() && count->second >= in_->problem->anti_affinity[set].at_most)
      return false;
  }
  return true;
}

bool Packing::Fits(int vm, int host) const {
  const Amount* demand = in_->demand.data() + static_cast<std::size_t>(vm) * in_->resources;
  const Amount* free = FreeOf(host);
  for (int k = 0; k < in_->resources; ++k)
    if (demand[k] > free[k]) return false;
  if (!in_->AllowsVm(vm, host)) return false;
  return in_->sets_of.empty() || FitsSets(vm, host);
}

void Packing::CountSets(int vm, int host, int by) {
  for (const int set : in_->sets_of[vm]) set_count_[SetKey(set, host)] += by;
}

void Packing::Place(int vm, int host) {
  if (vms_on_[host].empty()) cost_ += in_->CostOf(host);
  host_of_[vm] = host;
  slot_of_[vm] = static_cast<int>(vms_on_[host].size());
  vms_on_[host].push_back(vm);
  Amount* free = free_.data() + static_cast<std::size_t>(host) * in_->resources;
  const auto demand = in_->DemandOf(vm);
  for (int k = 0; k < in_->resources; ++k) free[k] -= demand[k];
  if (!in_->sets_of.empty()) CountSets(vm, host, 1);
  --unplaced_;
}

void Packing::Remove(int vm) {
  const int host = host_of_[vm];
  const int last = vms_on_[host].back();
  vms_on_[host][slot_of_[vm]] = last;
  slot_of_[last] = slot_of_[vm];
  vms_on_[host].pop_back();
  if (vms_on_[host].empty()) cost_ -= in_->CostOf(host);
  host_of_[vm] = kNoHost;
  Amount* free = free_.data() + static_cast<std::size_t>(host) * in_->resources;
  const auto demand = in_->DemandOf(vm);
  for (int k = 0; k < in_->resources; ++k) free[k] += demand[k];
  if (!in_->sets_of.empty()) CountSets(vm, host, -1);
  ++unplaced_;
}

Packing MakePacking(const Instance& in, const Placement& placement) {
  Packing packing(in);
  for (int vm = 0; vm < in.vm_count(); ++vm)
    if (placement[vm] != kNoHost && packing.Fits(vm, placement[vm]))
      packing.Place(vm, placement[vm]);
  return packing;
}

}  // namespace ballast::consolidate

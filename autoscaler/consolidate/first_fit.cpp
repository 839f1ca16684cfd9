#include "autoscaler/consolidate/first_fit.h"

#include <algorithm>
#include <bit>

namespace ballast::consolidate {
namespace {

class RoomTree {
 public:
  RoomTree(const Packing& packing, const std::vector<int>& hosts, WorkMeter& work)
      : packing_(packing),
        hosts_(hosts),
        work_(work),
        resources_(packing.instance().resources),
        leaves_(std::bit_ceil(std::max<std::size_t>(1, hosts.size()))),
        most_(2 * leaves_ * static_cast<std::size_t>(resources_), -1) {
    for (std::size_t leaf = 0; leaf < hosts.size(); ++leaf) CopyLeaf(leaf);
    for (std::size_t node = leaves_ - 1; node >= 1; --node) Merge(node);
  }

  // Index into `hosts` of the first that takes `vm`; -1 if none does.
  int FindFirst(int vm) const { return Descend(1, vm); }

  void Update(std::size_t leaf) {
    CopyLeaf(leaf);
    for (std::size_t node = (leaves_ + leaf) / 2; node >= 1; node /= 2) Merge(node);
  }

 private:
  Amount* Room(std::size_t node) {
    return most_.data() + node * static_cast<std::size_t>(resources_);
  }

  void CopyLeaf(std::size_t leaf) {
    const Amount* free = packing_.FreeOf(hosts_[leaf]);
    std::copy(free, free + resources_, Room(leaves_ + leaf));
  }

  void Merge(std::size_t node) {
    for (int k = 0; k < resources_; ++k)
      Room(node)[k] = std::max(Room(2 * node)[k], Room(2 * node + 1)[k]);
  }

  int Descend(std::size_t node, int vm) const {
    work_.Spend(1);
    const auto demand = packing_.instance().DemandOf(vm);
    const Amount* room = most_.data() + node * static_cast<std::size_t>(resources_);
    for (int k = 0; k < resources_; ++k)
      if (demand[k] > room[k]) return -1;
    if (node >= leaves_) {
      const std::size_t leaf = node - leaves_;
      return leaf < hosts_.size() && packing_.Fits(vm, hosts_[leaf]) ? static_cast<int>(leaf) : -1;
    }
    const int left = Descend(2 * node, vm);
    return left >= 0 ? left : Descend(2 * node + 1, vm);
  }

  const Packing& packing_;         // outlives the tree
  const std::vector<int>& hosts_;  // outlives the tree
  WorkMeter& work_;
  int resources_;
  std::size_t leaves_;
  std::vector<Amount> most_;  // [node * resources + k]
};

}  // namespace

void FirstFit(Packing& packing, const std::vector<int>& order, const std::vector<int>& hosts,
              WorkMeter& work) {
  RoomTree tree(packing, hosts, work);
  for (const int vm : order) {
    const int leaf = tree.FindFirst(vm);
    if (leaf < 0) continue;
    packing.Place(vm, hosts[static_cast<std::size_t>(leaf)]);
    tree.Update(static_cast<std::size_t>(leaf));
  }
}

}  // namespace ballast::consolidate

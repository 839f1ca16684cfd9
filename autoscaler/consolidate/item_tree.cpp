#include "autoscaler/consolidate/item_tree.h"

#include <algorithm>

namespace ballast::consolidate {
namespace {

// Small leaves prune better, large ones have less overhead; 8 was best here.
constexpr int kLeafSize = 8;

}  // namespace

ItemTree::ItemTree(const Instance& in, const std::vector<int>& vms,
                   const std::vector<double>& weights)
    : in_(&in),
      weights_(weights),
      order_(vms),
      size_(vms.size()),
      alive_(vms.size(), 1),
      leaf_of_(vms.size()),
      slot_of_(static_cast<std::size_t>(in.vm_count()), -1) {
  if (order_.empty()) return;
  Build(0, static_cast<int>(order_.size()), -1);
  for (std::size_t slot = 0; slot < order_.size(); ++slot) {
    slot_of_[order_[slot]] = static_cast<int>(slot);
    for (int k = 0; k < in.resources; ++k)
      size_[slot] += weights[k] * static_cast<double>(in.DemandOf(order_[slot])[k]);
  }
}

int ItemTree::Build(int begin, int end, int parent) {
  const int id = static_cast<int>(nodes_.size());
  nodes_.push_back({begin, end, -1, -1, parent, end - begin});
  const int resources = in_->resources;
  for (int k = 0; k < resources; ++k) {
    Amount low = in_->DemandOf(order_[begin])[k], high = low;
    for (int i = begin + 1; i < end; ++i) {
      low = std::min(low, in_->DemandOf(order_[i])[k]);
      high = std::max(high, in_->DemandOf(order_[i])[k]);
    }
    low_.push_back(low);
    high_.push_back(high);
  }
  if (end - begin <= kLeafSize) {
    std::fill(leaf_of_.begin() + begin, leaf_of_.begin() + end, id);
    return id;
  }
  int widest = 0;
  double width = -1;
  for (int k = 0; k < resources; ++k) {
    const std::size_t corner = static_cast<std::size_t>(id) * resources + k;
    const double here = static_cast<double>(high_[corner] - low_[corner]) * (weights_[k] + 1e-30);
    if (here > width) width = here, widest = k;
  }
  const int middle = begin + (end - begin) / 2;
  std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end,
                   [&](int a, int b) {
                     const Amount da = in_->DemandOf(a)[widest], db = in_->DemandOf(b)[widest];
                     return da != db ? da < db : a < b;
                   });
  const int left = Build(begin, middle, id);
  const int right = Build(middle, end, id);
  nodes_[id].left = left;
  nodes_[id].right = right;
  return id;
}

void ItemTree::SetAlive(int vm, bool alive) {
  const int slot = slot_of_[vm];
  if ((alive_[slot] != 0) == alive) return;
  alive_[slot] = alive;
  for (int node = leaf_of_[slot]; node >= 0; node = nodes_[node].parent)
    nodes_[node].alive += alive ? 1 : -1;
}

int ItemTree::Pick(std::uint64_t random) const {
  if (size() == 0) return -1;
  int nth = static_cast<int>(random % static_cast<std::uint64_t>(size()));
  int node = 0;
  while (nodes_[node].left >= 0) {
    const int left = nodes_[node].left;
    node = nth < nodes_[left].alive ? left : nodes_[node].right;
    if (node != left) nth -= nodes_[left].alive;
  }
  for (int slot = nodes_[node].begin;; ++slot)
    if (alive_[slot] && nth-- == 0) return order_[slot];
}

// One query: depth first, the more promising child first, cut by the size that
// a node's best corner could have inside the gap.
struct ItemTree::Search {
  const ItemTree& tree;
  const Packing& packing;
  int host = 0;
  const Amount* room = nullptr;
  double best_size = 0;
  int best = -1;
  std::int64_t visited = 0;

  // At most this size inside `node`; -1 if nothing of it can fit.
  double Promise(int node) const {
    if (tree.nodes_[node].alive == 0) return -1;
    const int resources = tree.in_->resources;
    const Amount* low = tree.low_.data() + static_cast<std::size_t>(node) * resources;
    const Amount* high = tree.high_.data() + static_cast<std::size_t>(node) * resources;
    double size = 0;
    for (int k = 0; k < resources; ++k) {
      if (low[k] > room[k]) return -1;
      size += tree.weights_[k] * static_cast<double>(std::min(high[k], room[k]));
    }
    return size;
  }

  void Visit(int node) {
    ++visited;
    const Node& here = tree.nodes_[node];
    if (here.left < 0) return VisitLeaf(here);
    const double left = Promise(here.left), right = Promise(here.right);
    const bool left_first = left > right;
    if (std::max(left, right) > best_size) Visit(left_first ? here.left : here.right);
    if (std::min(left, right) > best_size) Visit(left_first ? here.right : here.left);
  }

  void VisitLeaf(const Node& leaf) {
    for (int slot = leaf.begin; slot < leaf.end; ++slot) {
      if (!tree.alive_[slot] || tree.size_[slot] <= best_size) continue;
      if (!packing.Fits(tree.order_[slot], host)) continue;
      best_size = tree.size_[slot];
      best = tree.order_[slot];
    }
  }
};

int ItemTree::FindLargest(const Packing& packing, int host, double above, WorkMeter& work) const {
  if (size() == 0) return -1;
  Search search{*this, packing, host, packing.FreeOf(host), above};
  if (search.Promise(0) > above) search.Visit(0);
  work.Spend(search.visited + 1);
  return search.best;
}

}  // namespace ballast::consolidate

#include "autoscaler/consolidate/construct.h"

#include <algorithm>
#include <numeric>

#include "autoscaler/consolidate/first_fit.h"
#include "autoscaler/consolidate/item_tree.h"

namespace ballast::consolidate {

std::vector<double> ResourceWeights(const Instance& in, const VolumeBound& volume) {
  // Enough that a VM's plentiful resources break ties, not so much that they lead.
  constexpr double kScarcityShare = 0.1;
  std::vector<double> demand(in.resources), capacity(in.resources), weights(in.resources);
  for (const Shape& shape : in.shapes)
    for (int k = 0; k < in.resources; ++k)
      demand[k] += static_cast<double>(shape.demand[k]) * static_cast<double>(shape.vms.size());
  for (const Type& type : in.types)
    for (int k = 0; k < in.resources; ++k)
      capacity[k] += static_cast<double>(type.capacity[k]) * static_cast<double>(type.hosts.size());
  double priced = 0;
  for (int k = 0; k < in.resources; ++k) priced += volume.price[k] * demand[k];
  for (int k = 0; k < in.resources; ++k) {
    if (priced > 0) weights[k] = volume.price[k] / priced;
    if (capacity[k] <= 0 || demand[k] <= 0) continue;
    weights[k] += kScarcityShare / capacity[k];
  }
  return weights;
}

std::vector<double> WeightedSizes(const Instance& in, const std::vector<double>& weights) {
  std::vector<double> sizes(static_cast<std::size_t>(in.vm_count()));
  for (int vm = 0; vm < in.vm_count(); ++vm)
    for (int k = 0; k < in.resources; ++k)
      sizes[vm] += weights[k] * static_cast<double>(in.DemandOf(vm)[k]);
  return sizes;
}

std::vector<int> HostOrder(const Instance& in, const std::vector<double>& weights) {
  std::vector<double> size(in.types.size()), price(in.types.size());
  for (std::size_t t = 0; t < in.types.size(); ++t) {
    for (int k = 0; k < in.resources; ++k)
      size[t] += weights[k] * static_cast<double>(in.types[t].capacity[k]);
    price[t] = size[t] > 0 ? static_cast<double>(in.types[t].cost) / size[t] : 1e300;
  }
  std::vector<int> order(static_cast<std::size_t>(in.host_count()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    const auto ta = static_cast<std::size_t>(in.type_of[a]);
    const auto tb = static_cast<std::size_t>(in.type_of[b]);
    // Prices that differ by rounding only are equal; then the larger host.
    if (price[ta] < price[tb] * (1 - 1e-9)) return true;
    if (price[tb] < price[ta] * (1 - 1e-9)) return false;
    if (size[ta] != size[tb]) return size[ta] > size[tb];
    return ta < tb;
  });
  return order;
}

Packing FirstFitDecreasing(const Instance& in, const std::vector<double>& weights,
                           WorkMeter& work) {
  const std::vector<double> sizes = WeightedSizes(in, weights);
  std::vector<int> order(static_cast<std::size_t>(in.vm_count()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return sizes[a] > sizes[b]; });
  Packing packing(in);
  FirstFit(packing, order, HostOrder(in, weights), work);
  return packing;
}

double WasteOf(const Packing& packing, int host, const std::vector<double>& weights) {
  const Amount* free = packing.FreeOf(host);
  double waste = 0;
  for (std::size_t k = 0; k < weights.size(); ++k)
    waste += weights[k] * static_cast<double>(free[k]);
  return waste;
}

HostChooser::HostChooser(const Packing& packing, const std::vector<double>& weights)
    : in_(packing.instance()),
      order_(HostOrder(in_, weights)),
      size_(in_.types.size()),
      left_(in_.types.size()),
      next_(in_.types.size()),
      wanted_(in_.types.size()),
      open_(static_cast<std::size_t>(in_.host_count())) {
  for (int host = 0; host < in_.host_count(); ++host) {
    open_[host] = packing.is_used(host);
    left_[in_.type_of[host]] += !packing.is_used(host);
  }
  for (std::size_t t = 0; t < in_.types.size(); ++t)
    for (int k = 0; k < in_.resources; ++k)
      size_[t] += weights[k] * static_cast<double>(in_.types[t].capacity[k]);
}

void HostChooser::Refresh(const Packing& packing) {
  std::vector<double> demand(static_cast<std::size_t>(in_.resources));
  for (int vm = 0; vm < in_.vm_count(); ++vm)
    if (packing.HostOf(vm) == kNoHost)
      for (int k = 0; k < in_.resources; ++k) demand[k] += static_cast<double>(in_.DemandOf(vm)[k]);
  const auto mix = FindHostMix(in_, demand, left_);
  wanted_.assign(in_.types.size(), 0.0);
  if (mix) wanted_ = mix->hosts;
  // Often enough that rounding never lets the mix drift, also near the end.
  double hosts = 0;
  for (const double count : wanted_) hosts += count;
  until_refresh_ = std::max(1, static_cast<int>(hosts / 20));
}

int HostChooser::Take(int type) {
  wanted_[type] -= 1;
  left_[type] -= 1;
  const std::vector<int>& hosts = in_.types[type].hosts;
  while (open_[hosts[next_[type]]]) ++next_[type];  // left_ says that there is one
  open_[hosts[next_[type]]] = 1;
  return hosts[next_[type]];
}

int HostChooser::Next(const Packing& packing) {
  if (in_.types.size() > 1 && until_refresh_-- <= 0) Refresh(packing);
  int best = -1;
  for (int t = 0; t < static_cast<int>(in_.types.size()); ++t) {
    if (left_[t] == 0 || wanted_[t] < 0.5) continue;
    if (best < 0 || size_[t] > size_[best]) best = t;
  }
  if (best >= 0) return Take(best);
  for (; next_in_order_ < order_.size(); ++next_in_order_)
    if (!open_[order_[next_in_order_]]) return Take(in_.type_of[order_[next_in_order_]]);
  return -1;
}

void Complete(Packing& packing, const std::vector<double>& weights, const FillEffort& effort,
              Random& random, WorkMeter& work) {
  const Instance& in = packing.instance();
  std::vector<int> unplaced, used;
  for (int vm = 0; vm < in.vm_count(); ++vm)
    if (packing.HostOf(vm) == kNoHost) unplaced.push_back(vm);
  for (int host = 0; host < in.host_count(); ++host)
    if (packing.is_used(host)) used.push_back(host);
  if (!used.empty()) {
    const std::vector<double> sizes = WeightedSizes(in, weights);
    std::stable_sort(unplaced.begin(), unplaced.end(),
                     [&](int a, int b) { return sizes[a] > sizes[b]; });
    FirstFit(packing, unplaced, used, work);
    std::erase_if(unplaced, [&](int vm) { return packing.HostOf(vm) != kNoHost; });
  }
  ItemTree pool(in, unplaced, weights);
  HostFiller<ItemTree> filler(packing, pool, weights, random, work);
  HostChooser chooser(packing, weights);
  while (packing.unplaced_count() > 0 && !work.exhausted()) {
    const int host = chooser.Next(packing);
    if (host < 0) break;
    filler.Fill(host, effort);
  }
}

Packing FillHostByHost(const Instance& in, const std::vector<double>& weights,
                       const FillEffort& effort, Random& random, WorkMeter& work) {
  Packing packing(in);
  Complete(packing, weights, effort, random, work);
  return packing;
}

}  // namespace ballast::consolidate

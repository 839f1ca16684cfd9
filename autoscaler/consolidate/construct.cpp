#include "autoscaler/consolidate/construct.h"

#include <algorithm>
#include <numeric>

#include "autoscaler/consolidate/first_fit.h"

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

}  // namespace ballast::consolidate

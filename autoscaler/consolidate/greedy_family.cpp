#include <algorithm>
#include <cmath>
#include <numeric>

#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/first_fit.h"

namespace ballast::consolidate {
namespace {

// Each VM's demand as a share of the mean host, [vm * resources + k].
std::vector<double> RelativeDemands(const Instance& in) {
  std::vector<double> mean(in.resources);
  for (int host = 0; host < in.host_count(); ++host)
    for (int k = 0; k < in.resources; ++k) mean[k] += static_cast<double>(in.CapacityOf(host)[k]);
  std::vector<double> relative(in.demand.size());
  for (std::size_t i = 0; i < relative.size(); ++i) {
    const double capacity = mean[i % in.resources] / std::max(1, in.host_count());
    relative[i] = capacity > 0 ? static_cast<double>(in.demand[i]) / capacity : 0;
  }
  return relative;
}

using Measure = double (*)(const double* demand, int resources);

double Largest(const double* demand, int resources) {
  return *std::max_element(demand, demand + resources);
}
double Sum(const double* demand, int resources) {
  return std::accumulate(demand, demand + resources, 0.0);
}
double Square(const double* demand, int resources) {
  return std::inner_product(demand, demand + resources, demand, 0.0);
}
double Product(const double* demand, int resources) {
  double product = 1;
  for (int k = 0; k < resources; ++k) product *= demand[k] + 1e-6;
  return product;
}

std::vector<int> OrderBy(Measure measure, const Instance& in, const std::vector<double>& relative) {
  std::vector<double> size(static_cast<std::size_t>(in.vm_count()));
  for (int vm = 0; vm < in.vm_count(); ++vm)
    size[vm] = measure(relative.data() + static_cast<std::size_t>(vm) * in.resources, in.resources);
  std::vector<int> order(size.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return size[a] > size[b]; });
  return order;
}

// Each VM on the used host where it leaves least room; a new one if none fits.
Packing BestFit(const Instance& in, const std::vector<int>& order, const std::vector<int>& hosts,
                const std::vector<double>& weights, WorkMeter& work) {
  Packing packing(in);
  std::size_t opened = 0;
  for (const int vm : order) {
    int best = -1;
    double least = 0;
    for (std::size_t j = 0; j < opened; ++j) {
      if (!packing.Fits(vm, hosts[j])) continue;
      const double waste = WasteOf(packing, hosts[j], weights);
      if (best < 0 || waste < least) best = hosts[j], least = waste;
    }
    work.Spend(static_cast<std::int64_t>(opened) + 1);
    for (std::size_t j = opened; best < 0 && j < hosts.size(); ++j) {
      if (!packing.Fits(vm, hosts[j])) continue;
      best = hosts[j];
      opened = j + 1;
    }
    if (best >= 0) packing.Place(vm, best);
  }
  return packing;
}

// Host after host: the VM whose demand points most where the room is, or (with
// `squared`) leaves the shortest residual.
Packing HostCentric(const Instance& in, const std::vector<int>& hosts, bool squared,
                    WorkMeter& work) {
  Packing packing(in);
  std::vector<int> left(static_cast<std::size_t>(in.vm_count()));
  std::iota(left.begin(), left.end(), 0);
  for (const int host : hosts) {
    if (left.empty()) break;
    for (;;) {
      const Amount* free = packing.FreeOf(host);
      const auto capacity = in.CapacityOf(host);
      std::size_t best = left.size();
      double best_score = 0;
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (!packing.Fits(left[i], host)) continue;
        double score = 0;
        for (int k = 0; k < in.resources; ++k) {
          if (capacity[k] == 0) continue;
          const double room = static_cast<double>(free[k]) / static_cast<double>(capacity[k]);
          const double demand =
              static_cast<double>(in.DemandOf(left[i])[k]) / static_cast<double>(capacity[k]);
          score += squared ? -(room - demand) * (room - demand) : room * demand;
        }
        if (best == left.size() || score > best_score) best = i, best_score = score;
      }
      work.Spend(static_cast<std::int64_t>(left.size()) + 1);
      if (best == left.size()) break;
      packing.Place(left[best], host);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
    }
  }
  return packing;
}

}  // namespace

void TryGreedyFamily(const Instance& in, const std::vector<double>& weights, WorkMeter& work,
                     const std::function<void(const Packing&)>& offer) {
  const std::vector<double> relative = RelativeDemands(in);
  const std::vector<int> hosts = HostOrder(in, weights);
  for (const Measure measure : {Largest, Sum, Square, Product}) {
    const std::vector<int> order = OrderBy(measure, in, relative);
    Packing first_fit(in);
    FirstFit(first_fit, order, hosts, work);
    offer(first_fit);
    offer(BestFit(in, order, hosts, weights, work));
  }
  offer(HostCentric(in, hosts, false, work));
  offer(HostCentric(in, hosts, true, work));
}

}  // namespace ballast::consolidate

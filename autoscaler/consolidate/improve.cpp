#include "autoscaler/consolidate/improve.h"

#include <algorithm>
#include <numeric>

#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/fill.h"
#include "autoscaler/consolidate/small_pool.h"

namespace ballast::consolidate {
namespace {

// Lanes of fewer hosts than this find too few combinations to fill a host.
constexpr int kHostsPerLane = 60;
constexpr int kMaxLanes = 64;
// Hosts emptied together with the sink; VMs in one step stay a small pool.
constexpr int kMostHosts = 4;
constexpr int kMostVms = 120;
// Steps without success before another host becomes the sink.
constexpr int kPatience = 60;

template <typename T>
void Shuffle(std::vector<T>& values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[static_cast<std::size_t>(random.Below(static_cast<int>(i)))]);
}

// The search of one lane on its own hosts.
class SinkSearch {
 public:
  SinkSearch(Packing& packing, const std::vector<int>& hosts, const std::vector<double>& weights,
             const std::vector<double>& sizes, std::uint64_t seed, WorkMeter& work)
      : packing_(packing),
        hosts_(hosts),
        weights_(weights),
        sizes_(sizes),
        random_(seed),
        work_(work),
        pool_(packing.instance(), sizes),
        filler_(packing, pool_, weights, random_, work) {}

  void Run() {
    int failed = 0;
    int sink = ChooseSink(0);
    while (!work_.exhausted() && sink >= 0 && hosts_.size() > 1) {
      if (Step(sink)) {
        failed = 0;
      } else {
        ++failed;
      }
      if (packing_.VmsOn(sink).empty()) {
        hosts_.erase(std::find(hosts_.begin(), hosts_.end(), sink));
        sink = ChooseSink(0);
      } else if (failed > kPatience) {
        failed = 0;
        sink = ChooseSink(1 + random_.Below(8));
      }
    }
  }

 private:
  double Load(int host) const {
    double load = 0;
    for (const int vm : packing_.VmsOn(host)) load += sizes_[vm];
    return load;
  }

  // The host that is the `rank`-th cheapest to empty for what it costs.
  int ChooseSink(int rank) const {
    std::vector<std::pair<double, int>> order;
    for (const int host : hosts_) {
      const Cost cost = packing_.instance().CostOf(host);
      if (cost == 0 || packing_.VmsOn(host).empty()) continue;
      order.push_back({Load(host) / static_cast<double>(cost), host});
    }
    if (order.empty()) return -1;
    const auto nth = order.begin() + std::min<std::ptrdiff_t>(rank, std::ssize(order) - 1);
    std::nth_element(order.begin(), nth, order.end());
    return nth->second;
  }

  // Others to empty with the sink: of two picked by chance, the one with more room.
  std::vector<int> ChooseOthers(int sink) {
    const int wanted = 1 + random_.Below(kMostHosts);
    int vms = static_cast<int>(packing_.VmsOn(sink).size());
    std::vector<int> others;
    for (int tries = 0; tries < 4 * wanted && std::ssize(others) < wanted; ++tries) {
      const int a = hosts_[random_.Below(static_cast<int>(hosts_.size()))];
      const int b = hosts_[random_.Below(static_cast<int>(hosts_.size()))];
      const int host = WasteOf(packing_, a, weights_) > WasteOf(packing_, b, weights_) ? a : b;
      if (host == sink || std::find(others.begin(), others.end(), host) != others.end()) continue;
      vms += static_cast<int>(packing_.VmsOn(host).size());
      if (vms > kMostVms && !others.empty()) break;
      others.push_back(host);
    }
    return others;
  }

  bool Step(int sink) {
    const double load = Load(sink);
    std::vector<int> hosts = ChooseOthers(sink);
    if (hosts.empty()) return false;
    std::vector<std::pair<int, int>> before;  // VM, host
    hosts.push_back(sink);
    for (const int host : hosts)
      for (const int vm : packing_.VmsOn(host)) before.push_back({vm, host});
    std::vector<int> vms;
    for (const auto& [vm, host] : before) {
      packing_.Remove(vm);
      vms.push_back(vm);
    }
    work_.Spend(static_cast<std::int64_t>(vms.size()) * 4);
    pool_.Reset(vms);
    hosts.pop_back();
    for (const int host : hosts) filler_.Fill(host, {1e-6, 12});
    double rest_size = 0;
    const std::vector<int> rest = pool_.Rest();
    for (const int vm : rest) rest_size += sizes_[vm];
    bool fits = rest_size <= load * (1 + 1e-12);
    for (const int vm : rest) {
      if (!fits) break;
      fits = packing_.Fits(vm, sink);
      if (fits) packing_.Place(vm, sink);
    }
    if (fits) return rest_size < load * (1 - 1e-9);
    for (const int vm : vms)
      if (packing_.HostOf(vm) != kNoHost) packing_.Remove(vm);
    for (const auto& [vm, host] : before) packing_.Place(vm, host);
    return false;
  }

  Packing& packing_;
  std::vector<int> hosts_;
  const std::vector<double>& weights_;
  const std::vector<double>& sizes_;
  Random random_;
  WorkMeter& work_;
  SmallPool pool_;
  HostFiller<SmallPool> filler_;
};

}  // namespace

struct Improver::Lane {
  Packing packing;
  std::vector<int> hosts;
  std::uint64_t seed = 0;
  WorkMeter work;
};

Improver::Improver(const Instance& in, std::vector<double> weights, const SolveOptions& options)
    : in_(in),
      weights_(std::move(weights)),
      sizes_(WeightedSizes(in, weights_)),
      options_(options) {}

std::vector<Improver::Lane> Improver::Deal(const Packing& packing, std::int64_t quota) const {
  std::vector<int> used;
  for (int host = 0; host < in_.host_count(); ++host)
    if (packing.is_used(host)) used.push_back(host);
  const int lanes = std::clamp(static_cast<int>(used.size()) / kHostsPerLane, 1, kMaxLanes);
  Random random(options_.seed * 1'000'003 + round_);
  Shuffle(used, random);
  std::vector<Lane> dealt;
  dealt.reserve(static_cast<std::size_t>(lanes));
  for (int lane = 0; lane < lanes; ++lane)
    dealt.push_back({packing, {}, random.Next(), WorkMeter(quota / lanes, options_.should_stop)});
  for (std::size_t i = 0; i < used.size(); ++i)
    dealt[i % static_cast<std::size_t>(lanes)].hosts.push_back(used[i]);
  return dealt;
}

void Improver::RunLane(Lane& lane) const {
  SinkSearch(lane.packing, lane.hosts, weights_, sizes_, lane.seed, lane.work).Run();
}

bool Improver::Round(Packing& packing, std::int64_t quota, WorkMeter& work) {
  ++round_;
  const Cost before = packing.cost();
  std::vector<Lane> lanes = Deal(packing, quota);
  const auto run = [&](int lane) { RunLane(lanes[static_cast<std::size_t>(lane)]); };
  if (options_.run_tasks)
    options_.run_tasks(static_cast<int>(lanes.size()), run);
  else
    for (int lane = 0; lane < static_cast<int>(lanes.size()); ++lane) run(lane);
  if (lanes.size() == 1) {
    packing = std::move(lanes.front().packing);
    work.Spend(lanes.front().work.used());
  } else {
    Placement merged = packing.placement();
    for (const Lane& lane : lanes) {
      work.Spend(lane.work.used());
      for (const int host : lane.hosts)
        for (const int vm : lane.packing.VmsOn(host)) merged[vm] = host;
    }
    packing = MakePacking(in_, merged);
  }
  MoveToCheaperHosts(packing, work);
  return packing.cost() < before;
}

bool MoveToCheaperHosts(Packing& packing, WorkMeter& work) {
  const Instance& in = packing.instance();
  std::vector<int> types(in.types.size());
  std::iota(types.begin(), types.end(), 0);
  std::stable_sort(types.begin(), types.end(),
                   [&](int a, int b) { return in.types[a].cost < in.types[b].cost; });
  std::vector<std::vector<int>> unused(in.types.size());
  for (std::size_t t = 0; t < in.types.size(); ++t)
    for (const int host : in.types[t].hosts)
      if (!packing.is_used(host)) unused[t].push_back(host);
  bool any = false;
  for (int host = 0; host < in.host_count(); ++host) {
    if (!packing.is_used(host)) continue;
    const std::vector<int> vms = packing.VmsOn(host);
    for (const int type : types) {
      if (in.types[type].cost >= in.CostOf(host)) break;
      if (unused[type].empty()) continue;
      const int target = unused[type].back();
      work.Spend(1);
      std::size_t moved = 0;
      for (; moved < vms.size(); ++moved) {
        packing.Remove(vms[moved]);
        if (packing.Fits(vms[moved], target)) {
          packing.Place(vms[moved], target);
          continue;
        }
        packing.Place(vms[moved], host);
        break;
      }
      if (moved == vms.size()) {
        unused[type].pop_back();
        unused[in.type_of[host]].push_back(host);
        any = true;
        break;
      }
      for (std::size_t i = 0; i < moved; ++i) {
        packing.Remove(vms[i]);
        packing.Place(vms[i], host);
      }
    }
  }
  return any;
}

}  // namespace ballast::consolidate

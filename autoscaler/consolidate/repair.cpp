#include "autoscaler/consolidate/repair.h"

#include <algorithm>

namespace ballast::consolidate {
namespace {

// Of large fleets a sample is enough: most hosts are as good as any other.
constexpr int kMostHosts = 200;

class Ejection {
 public:
  Ejection(Packing& packing, const std::vector<double>& sizes, Random& random, WorkMeter& work)
      : packing_(packing),
        in_(packing.instance()),
        sizes_(sizes),
        random_(random),
        work_(work),
        times_ejected_(static_cast<std::size_t>(in_.vm_count())) {
    for (int vm = 0; vm < in_.vm_count(); ++vm)
      if (packing.HostOf(vm) == kNoHost) unplaced_.push_back(vm);
  }

  bool Run(int steps) {
    for (int step = 0; step < steps && !unplaced_.empty() && !work_.exhausted(); ++step) {
      const std::size_t pick =
          static_cast<std::size_t>(random_.Below(static_cast<int>(unplaced_.size())));
      const int vm = unplaced_[pick];
      unplaced_[pick] = unplaced_.back();
      unplaced_.pop_back();
      if (!PlaceSomewhere(vm)) return false;
    }
    return unplaced_.empty();
  }

 private:
  bool PlaceSomewhere(int vm) {
    int best = kNoHost;
    double least = 0;
    std::vector<int> best_out;
    const int hosts = in_.host_count(), tries = std::min(hosts, kMostHosts);
    const int first = random_.Below(hosts);
    for (int i = 0; i < tries; ++i) {
      const int host = hosts <= kMostHosts ? (first + i) % hosts : random_.Below(hosts);
      if (!in_.AllowsVm(vm, host)) continue;
      std::vector<int> out;
      double price = 0.01 * random_.Unit();
      if (!ChooseOut(vm, host, out, price)) continue;
      if (best != kNoHost && price >= least) continue;
      best = host;
      least = price;
      best_out = std::move(out);
      if (best_out.empty()) break;
    }
    // In a sample of a large fleet the one host of a pinned VM may be missing.
    if (best == kNoHost) {
      for (const int host : in_.problem->vms[vm].allowed) {
        double price = 0;
        best_out.clear();
        if (ChooseOut(vm, host, best_out, price)) best = host;
        if (best != kNoHost) break;
      }
    }
    if (best == kNoHost) return false;
    for (const int out : best_out) {
      packing_.Remove(out);
      ++times_ejected_[out];
      unplaced_.push_back(out);
    }
    packing_.Place(vm, best);
    return true;
  }

  // Who has to leave `host` for `vm`; who was ejected often costs more, so that
  // no two VMs eject each other for ever.
  bool ChooseOut(int vm, int host, std::vector<int>& out, double& price) {
    std::vector<int> there = packing_.VmsOn(host);
    work_.Spend(1 + static_cast<std::int64_t>(there.size()));
    if (packing_.Fits(vm, host)) return true;
    const auto price_of = [this](int other) {
      return sizes_[other] * (1 + 0.5 * times_ejected_[other]);
    };
    std::sort(there.begin(), there.end(), [&](int a, int b) {
      return price_of(a) != price_of(b) ? price_of(a) < price_of(b) : a < b;
    });
    for (const int other : there) {
      packing_.Remove(other);
      out.push_back(other);
      if (packing_.Fits(vm, host)) break;
    }
    const bool fits = packing_.Fits(vm, host);
    // Back again, largest first, whoever still fits beside the newcomer stays.
    std::vector<int> kept;
    if (fits) {
      packing_.Place(vm, host);
      for (std::size_t i = out.size(); i > 0; --i)
        if (packing_.Fits(out[i - 1], host)) {
          packing_.Place(out[i - 1], host);
          kept.push_back(out[i - 1]);
        }
      for (const int other : kept) packing_.Remove(other);
      packing_.Remove(vm);
    }
    for (const int other : out) packing_.Place(other, host);
    std::erase_if(
        out, [&](int other) { return std::find(kept.begin(), kept.end(), other) != kept.end(); });
    for (const int other : out) price += price_of(other);
    return fits;
  }

  Packing& packing_;
  const Instance& in_;
  const std::vector<double>& sizes_;
  Random& random_;
  WorkMeter& work_;
  std::vector<int> unplaced_;
  std::vector<int> times_ejected_;
};

}  // namespace

bool PlaceByEjection(Packing& packing, const std::vector<double>& sizes, int steps, Random& random,
                     WorkMeter& work) {
  return Ejection(packing, sizes, random, work).Run(steps);
}

}  // namespace ballast::consolidate

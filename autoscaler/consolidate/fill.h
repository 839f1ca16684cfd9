#pragma once

// Filling one host as tightly as a pool of VMs allows: a small local search for
// a multi-dimensional subset sum. Start with the largest that fit; then take one
// or two VMs out and put better ones in, as long as the waste falls.
//
// Large VMs first on purpose: small ones fill gaps, so they are kept for later
// hosts, and the last hosts are easy to pack.

#include <vector>

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/random.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

struct FillEffort {
  double waste = 1e-4;  // of the capacity: less is as good as full
  int trials = 60;      // of pairs taken out, without success, before giving up
};

// Weighted room left on `host`.
double WasteOf(const Packing& packing, int host, const std::vector<double>& weights);

// Pool is ItemTree or SmallPool; it holds unplaced VMs and gets back what is
// taken out. The host may hold VMs already; those of it that are not `movable`
// (never were in the pool) must not be there.
template <typename Pool>
class HostFiller {
 public:
  HostFiller(Packing& packing, Pool& pool, const std::vector<double>& weights, Random& random,
             WorkMeter& work)
      : packing_(packing), pool_(pool), weights_(weights), random_(random), work_(work) {}

  void Fill(int host, const FillEffort& effort) {
    FillGreedily(host);
    double capacity = 0;
    const auto of_host = packing_.instance().CapacityOf(host);
    for (std::size_t k = 0; k < weights_.size(); ++k)
      capacity += weights_[k] * static_cast<double>(of_host[k]);
    const double enough = effort.waste * capacity;
    int failed = 0;
    while (failed < effort.trials && pool_.size() > 0 && Waste(host) > enough) {
      if (SwapOne(host)) continue;
      failed = SwapPair(host) ? 0 : failed + 1;
    }
  }

 private:
  double Waste(int host) const { return WasteOf(packing_, host, weights_); }

  void Put(int vm, int host) {
    pool_.Erase(vm);
    packing_.Place(vm, host);
  }
  void Take(int vm) {
    packing_.Remove(vm);
    pool_.Insert(vm);
  }

  void FillGreedily(int host) {
    for (int vm; (vm = pool_.FindLargest(packing_, host, -1, work_)) >= 0;) Put(vm, host);
  }

  // The single exchange that wastes least; false if none is better.
  bool SwapOne(int host) {
    const std::vector<int> here = packing_.VmsOn(host);
    int best_out = -1, best_in = -1;
    double best_gain = 0;
    for (const int out : here) {
      const double size = pool_.SizeOf(out);
      packing_.Remove(out);
      const int in = pool_.FindLargest(packing_, host, size + best_gain, work_);
      packing_.Place(out, host);
      if (in < 0) continue;
      best_gain = pool_.SizeOf(in) - size;
      best_out = out;
      best_in = in;
    }
    // Sums of doubles: a gain that could be rounding would loop for ever.
    if (best_in < 0 || best_gain < 1e-12) return false;
    Take(best_out);
    Put(best_in, host);
    FillGreedily(host);
    return true;
  }

  // Two out; one in by chance, the rest by size. Undone unless it helps.
  bool SwapPair(int host) {
    const std::vector<int> before = packing_.VmsOn(host);
    if (before.size() < 2) return false;
    const double waste = Waste(host);
    const int a = random_.Below(static_cast<int>(before.size()));
    int b = random_.Below(static_cast<int>(before.size()) - 1);
    b += b >= a;
    Take(before[static_cast<std::size_t>(a)]);
    Take(before[static_cast<std::size_t>(b)]);
    for (int tries = 0; tries < 4; ++tries) {
      const int vm = pool_.Pick(random_.Next());
      work_.Spend(1);
      if (!packing_.Fits(vm, host)) continue;
      Put(vm, host);
      break;
    }
    FillGreedily(host);
    if (Waste(host) < waste - 1e-12) return true;
    const std::vector<int> now = packing_.VmsOn(host);
    for (const int vm : now) Take(vm);
    for (const int vm : before) Put(vm, host);
    return false;
  }

  Packing& packing_;
  Pool& pool_;
  const std::vector<double>& weights_;
  Random& random_;
  WorkMeter& work_;
};

}  // namespace ballast::consolidate

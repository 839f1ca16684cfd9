#include "autoscaler/consolidate/budget.h"

#include <algorithm>
#include <numeric>

#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/first_fit.h"

namespace ballast::consolidate {
namespace {

class BudgetedSearch {
 public:
  BudgetedSearch(const Instance& in, const std::vector<double>& weights, WorkMeter& work)
      : in_(in), sizes_(WeightedSizes(in, weights)), weights_(weights), work_(work), packing_(in) {}

  bool PlaceAll() {
    PlaceAtHome();
    std::vector<int> homeless, used, unused;
    for (int vm = 0; vm < in_.vm_count(); ++vm)
      if (packing_.HostOf(vm) == kNoHost) homeless.push_back(vm);
    SortLargeFirst(homeless);
    for (const int host : HostOrder(in_, weights_))
      (packing_.is_used(host) ? used : unused).push_back(host);
    FirstFit(packing_, homeless, used, work_);
    std::erase_if(homeless, [&](int vm) { return packing_.HostOf(vm) != kNoHost; });
    FirstFit(packing_, homeless, unused, work_);
    CountMoves();
    return packing_.unplaced_count() == 0;
  }

  // One more host emptied; false if none can be.
  bool EmptyOne() {
    std::vector<std::pair<double, int>> order;
    for (int host = 0; host < in_.host_count(); ++host) {
      if (!packing_.is_used(host) || in_.CostOf(host) == 0) continue;
      double bytes = 1;
      for (const int vm : packing_.VmsOn(host))
        bytes += static_cast<double>(MoveBytes(vm, kNoHost));
      order.push_back({bytes / static_cast<double>(in_.CostOf(host)), host});
    }
    std::sort(order.begin(), order.end());
    for (const auto& [score, host] : order) {
      if (work_.exhausted()) return false;
      if (TryToEmpty(host)) return true;
    }
    return false;
  }

  const Packing& packing() const { return packing_; }

 private:
  void SortLargeFirst(std::vector<int>& vms) const {
    std::stable_sort(vms.begin(), vms.end(), [&](int a, int b) { return sizes_[a] > sizes_[b]; });
  }

  // On overloaded hosts the VMs that cost most to move keep their place.
  void PlaceAtHome() {
    std::vector<int> order(static_cast<std::size_t>(in_.vm_count()));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return in_.problem->vms[a].migration_bytes > in_.problem->vms[b].migration_bytes;
    });
    for (const int vm : order) {
      const int home = in_.problem->vms[vm].current;
      if (home != kNoHost && packing_.Fits(vm, home)) packing_.Place(vm, home);
    }
  }

  bool IsMove(int vm, int host) const {
    const int home = in_.problem->vms[vm].current;
    return home != kNoHost && home != host;
  }
  Amount MoveBytes(int vm, int host) const {
    return IsMove(vm, host) ? in_.problem->vms[vm].migration_bytes : 0;
  }

  void CountMoves() {
    moves_ = 0;
    bytes_ = 0;
    for (int vm = 0; vm < in_.vm_count(); ++vm) {
      moves_ += IsMove(vm, packing_.HostOf(vm));
      bytes_ += MoveBytes(vm, packing_.HostOf(vm));
    }
  }

  bool InBudget() const {
    const Problem& problem = *in_.problem;
    return (!problem.max_moves || moves_ <= *problem.max_moves) &&
           (!problem.max_migrated_bytes || bytes_ <= *problem.max_migrated_bytes);
  }

  // The used host, other than `host`, that `vm` fills best.
  int BestOther(int vm, int host) {
    const int home = in_.problem->vms[vm].current;
    if (home != kNoHost && home != host && packing_.is_used(home) && packing_.Fits(vm, home))
      return home;
    int best = kNoHost;
    double least = 0;
    for (int other = 0; other < in_.host_count(); ++other) {
      if (other == host || !(packing_.is_used(other) || in_.CostOf(other) == 0)) continue;
      if (!packing_.Fits(vm, other)) continue;
      const double waste = WasteOf(packing_, other, weights_);
      if (best == kNoHost || waste < least) best = other, least = waste;
    }
    work_.Spend(in_.host_count());
    return best;
  }

  bool TryToEmpty(int host) {
    std::vector<int> vms = packing_.VmsOn(host);
    SortLargeFirst(vms);
    const std::int64_t moves = moves_;
    const Amount bytes = bytes_;
    std::size_t done = 0;
    for (; done < vms.size(); ++done) {
      const int vm = vms[done], other = BestOther(vm, host);
      if (other == kNoHost) break;
      moves_ += static_cast<int>(IsMove(vm, other)) - static_cast<int>(IsMove(vm, host));
      bytes_ += MoveBytes(vm, other) - MoveBytes(vm, host);
      packing_.Remove(vm);
      packing_.Place(vm, other);
    }
    if (done == vms.size() && InBudget()) return true;
    for (std::size_t i = 0; i < done; ++i) {
      packing_.Remove(vms[i]);
      packing_.Place(vms[i], host);
    }
    moves_ = moves;
    bytes_ = bytes;
    return false;
  }

  const Instance& in_;
  std::vector<double> sizes_;
  const std::vector<double>& weights_;
  WorkMeter& work_;
  Packing packing_;
  std::int64_t moves_ = 0;
  Amount bytes_ = 0;
};

}  // namespace

void EmptyHostsWithinBudget(const Instance& in, const std::vector<double>& weights, WorkMeter& work,
                            const std::function<void(const Packing&)>& offer) {
  BudgetedSearch search(in, weights, work);
  if (!search.PlaceAll()) return;
  offer(search.packing());
  while (!work.exhausted() && search.EmptyOne()) offer(search.packing());
}

}  // namespace ballast::consolidate

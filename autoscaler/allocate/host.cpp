#include "autoscaler/allocate/host.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "autoscaler/allocate/water_level.h"
#include "collector/base/check.h"

namespace ballast::allocate {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

double SumOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

void CheckHost(const HostProblem& problem) {
  const auto& resources = problem.resources;
  for (const Resource& resource : resources) {
    CheckProblem(resource.problem);
    const auto& items = resource.problem.items;
    const auto& first = resources.front().problem.items;
    BALLAST_CHECK(items.size() == first.size(), "every resource has all workloads");
    for (std::size_t i = 0; i < items.size() && problem.coupling != Coupling::kSeparate; ++i)
      BALLAST_CHECK(items[i].priority == first[i].priority, "coupled: one priority per workload");
  }
}

HostAllocation Infeasible(const std::string& resource, const std::string& why) {
  HostAllocation result;
  result.status = Status::kInfeasible;
  result.explanation = resource + ": " + why;
  return result;
}

HostAllocation Separate(const HostProblem& problem) {
  HostAllocation result;
  for (const Resource& resource : problem.resources) {
    Allocation one = Allocate(resource.problem);
    if (one.status != Status::kOptimal) return Infeasible(resource.name, one.explanation);
    result.resources.push_back(std::move(one));
  }
  return result;
}

// Fills a coupled host tier by tier. Names as in host.h; `cap` is X_i, lowered by (5) as resources
// fill up.
class Filler {
 public:
  explicit Filler(const HostProblem& problem)
      : problem_(problem),
        resources_(problem.resources.size()),
        workloads_(resources_ == 0 ? 0 : problem.resources[0].problem.items.size()) {
    result_.resources.resize(resources_);
    result_.progress.resize(workloads_);
    cap_.assign(workloads_, 1);
    per_share_.assign(workloads_, 0);
    stop_.resize(workloads_);
    for (std::size_t i = 0; i < workloads_; ++i) Measure(i);
    for (std::size_t r = 0; r < resources_; ++r) {
      lo_.emplace_back(workloads_);
      for (std::size_t i = 0; i < workloads_; ++i)
        lo_[r][i] = std::min(ItemOf(r, i).guarantee, ItemOf(r, i).demand * cap_[i]);
      guaranteed_.push_back(SumOf(lo_[r]));
      left_.push_back(CapacityOf(r));
    }
  }

  HostAllocation Run() {
    for (std::size_t r = 0; r < resources_; ++r)
      if (const auto exceeding = GuaranteesExceed(guaranteed_[r], CapacityOf(r)))
        return Infeasible(problem_.resources[r].name, *exceeding);
    std::map<int, std::vector<std::size_t>, std::greater<>> tiers;
    for (std::size_t i = 0; i < workloads_; ++i) tiers[ItemOf(0, i).priority].push_back(i);
    for (Allocation& one : result_.resources) {
      one.amounts.resize(workloads_);
      one.bindings.resize(workloads_);
    }
    for (const auto& [priority, tier] : tiers) FillTier(tier);
    return std::move(result_);
  }

 private:
  const Item& ItemOf(std::size_t r, std::size_t i) const {
    return problem_.resources[r].problem.items[i];
  }
  double CapacityOf(std::size_t r) const { return problem_.resources[r].problem.capacity; }

  // X_i and D_i of (3) and (4).
  void Measure(std::size_t i) {
    bool wants = false;
    for (std::size_t r = 0; r < resources_; ++r) {
      const Item& item = ItemOf(r, i);
      if (item.demand <= 0) continue;
      wants = true;
      if (const double most = item.ceiling / item.demand; most < cap_[i]) {
        cap_[i] = most;
        stop_[i] = {r, Binding::kCeiling};
      }
      // Of what the host has nothing of, nobody has a share; (5) stops them at once.
      if (CapacityOf(r) <= 0) continue;
      const double share = item.demand / CapacityOf(r) / item.weight;
      if (share <= per_share_[i]) continue;
      per_share_[i] = share;
      result_.progress[i].dominant = r;
    }
    if (wants && per_share_[i] <= 0) cap_[i] = 0;
  }

  struct Full {
    std::size_t resource;
    WaterLevel water;
  };

  void FillTier(const std::vector<std::size_t>& tier) {
    std::vector<double> water(resources_);
    for (std::size_t r = 0; r < resources_; ++r) {
      double own = 0;
      for (const std::size_t i : tier) own += lo_[r][i];
      guaranteed_[r] -= own;
      water[r] = std::max(left_[r] - guaranteed_[r], own);
    }
    std::vector<std::size_t> open(resources_);
    std::iota(open.begin(), open.end(), 0);
    while (const std::optional<Full> full = NextFull(tier, water, open)) {
      Stop(tier, *full);
      std::erase(open, full->resource);
    }
    for (const std::size_t i : tier) Settle(i);
  }

  // Which of the open resources is full first as shares rise. Those that never are, now or later,
  // are closed.
  std::optional<Full> NextFull(const std::vector<std::size_t>& tier,
                               const std::vector<double>& water,
                               std::vector<std::size_t>& open) const {
    std::optional<Full> first;
    std::vector<Vessel> vessels;
    std::erase_if(open, [&](std::size_t r) {
      vessels.clear();
      double most = 0;
      for (const std::size_t i : tier) {
        const double demand = ItemOf(r, i).demand;
        if (demand <= 0 || per_share_[i] <= 0) continue;
        vessels.push_back(
            {demand / per_share_[i], lo_[r][i], std::max(lo_[r][i], demand * cap_[i])});
        most += vessels.back().hi;
      }
      if (most <= water[r]) return true;
      const WaterLevel level = FindWaterLevel(vessels, water[r]);
      if (!first || level.level < first->water.level) first = Full{r, level};
      return false;
    });
    return first;
  }

  void Stop(const std::vector<std::size_t>& tier, const Full& full) {
    const std::size_t r = full.resource;
    Allocation& one = result_.resources[r];
    // More of it would go to the highest tier that it was full in.
    if (one.water_level == kNever && full.water.rising > 0)
      one.shadow_price = 1 / full.water.rising;
    one.water_level = std::min(one.water_level, full.water.level);
    for (const std::size_t i : tier) {
      const double demand = ItemOf(r, i).demand;
      if (demand <= 0 || per_share_[i] <= 0) continue;
      const double share = full.water.level / per_share_[i];
      const double guaranteed = lo_[r][i] / demand;
      if (std::max(share, guaranteed) >= cap_[i]) continue;
      cap_[i] = std::max(share, guaranteed);
      stop_[i] = {r, share >= guaranteed ? Binding::kWaterLevel : Binding::kGuarantee};
    }
  }

  // (1), and what held the workload where it is.
  void Settle(std::size_t i) {
    Progress& progress = result_.progress[i];
    progress.x = cap_[i];
    progress.dominant_share = cap_[i] * per_share_[i];
    for (std::size_t r = 0; r < resources_; ++r) {
      const Item& item = ItemOf(r, i);
      const double amount =
          std::min({std::max(lo_[r][i], item.demand * cap_[i]), item.demand, item.ceiling});
      Allocation& one = result_.resources[r];
      one.amounts[i] = amount;
      one.objective += amount;
      one.bindings[i] = BindingOf(r, i, amount);
      left_[r] -= amount;
    }
  }

  Binding BindingOf(std::size_t r, std::size_t i, double amount) const {
    if (amount >= ItemOf(r, i).demand) return Binding::kDemand;
    if (stop_[i].resource == r) return stop_[i].why;
    return lo_[r][i] > 0 && amount <= lo_[r][i] ? Binding::kGuarantee : Binding::kCoupled;
  }

  // What ended a workload's rise, and of which resource.
  struct Stopped {
    std::optional<std::size_t> resource;
    Binding why = Binding::kDemand;
  };

  const HostProblem& problem_;  // the caller's, who waits in Run()
  std::size_t resources_;
  std::size_t workloads_;
  std::vector<std::vector<double>> lo_;  // by resource, by workload
  std::vector<double> cap_;
  std::vector<double> per_share_;  // D_i
  std::vector<Stopped> stop_;
  std::vector<double> guaranteed_;  // by resource: of the tiers not filled yet
  std::vector<double> left_;        // by resource
  HostAllocation result_;
};

}  // namespace

const char* ToString(Coupling coupling) {
  switch (coupling) {
    case Coupling::kSeparate:
      return "none";
    case Coupling::kDominantShare:
      return "dominant_share";
  }
  return "unknown";
}

HostAllocation Allocate(const HostProblem& problem) {
  CheckHost(problem);
  return problem.coupling == Coupling::kSeparate ? Separate(problem) : Filler(problem).Run();
}

}  // namespace ballast::allocate

// Coupled resources handed to a general LP solver: lexicographic max-min by repeated LPs, which
// knows nothing of water, levels or breakpoints; and the price of a unit as a dual of such an LP.

#include <gtest/gtest.h>
#include <ClpSimplex.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "autoscaler/allocate/host.h"
#include "tests/unit/autoscaler/allocate/random_host.h"

namespace ballast::allocate {
namespace {

// Capacities are 1 in the LPs, so that its tolerances mean the same for each resource.
class LexicographicOracle {
 public:
  explicit LexicographicOracle(const HostProblem& host)
      : host_(host),
        workloads_(host.resources[0].problem.items.size()),
        least_(workloads_, 0),
        per_share_(workloads_, 0) {
    for (std::size_t i = 0; i < workloads_; ++i)
      for (std::size_t r = 0; r < host_.resources.size(); ++r)
        per_share_[i] = std::max(per_share_[i], Demand(r, i) / ItemOf(r, i).weight);
  }

  // The dominant shares, by workload; empty: rounding kept the LP solver from an answer.
  std::vector<double> Solve() {
    std::map<int, std::vector<std::size_t>, std::greater<>> tiers;
    for (std::size_t i = 0; i < workloads_; ++i)
      if (per_share_[i] > 0) tiers[ItemOf(0, i).priority].push_back(i);
    for (const auto& [priority, tier] : tiers) {
      std::vector<std::size_t> rising = tier;
      while (!rising.empty()) {
        const std::vector<std::size_t> present = rising;
        const double level = std::max(0.0, Best(rising, std::nullopt));
        // Who cannot have more while the others have the level, has what it gets.
        const auto stops = [&](std::size_t i) {
          const double most = Best(present, i, level);
          if (most > level + 1e-6 * std::max(1.0, level)) return false;
          least_[i] = std::max(level, least_[i]);
          return true;
        };
        if (std::erase_if(rising, stops) == 0 || !all_proven_) return {};
      }
    }
    return least_;
  }

  // What the level of all gains by one more unit of `r`; the first level only.
  double PriceOf(std::size_t r) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < workloads_; ++i)
      if (per_share_[i] > 0) all.push_back(i);
    ClpSimplex clp;
    Build(clp, all, 1);
    clp.primal();
    return std::abs(clp.dualRowSolution()[r]) / host_.resources[r].problem.capacity;
  }

 private:
  const Item& ItemOf(std::size_t r, std::size_t i) const {
    return host_.resources[r].problem.items[i];
  }
  double Scaled(std::size_t r, double amount) const {
    return amount / host_.resources[r].problem.capacity;
  }
  double Demand(std::size_t r, std::size_t i) const { return Scaled(r, ItemOf(r, i).demand); }

  // Columns: t, then x by workload, then a by resource and workload.
  int ColumnOfX(std::size_t i) const { return static_cast<int>(1 + i); }
  int ColumnOfA(std::size_t r, std::size_t i) const {
    return static_cast<int>(1 + workloads_ * (r + 1) + i);
  }

  // Capacities and, of what was found before, the least are loosened by a hair, or a point that
  // meets them with equality is out of reach by rounding.
  static constexpr double kHair = 1e-13;

  void Build(ClpSimplex& clp, const std::vector<std::size_t>& rising, double least_share) const {
    const std::size_t resources = host_.resources.size();
    clp.setLogLevel(0);
    clp.setPrimalTolerance(1e-11);
    clp.setDualTolerance(1e-11);
    clp.resize(0, static_cast<int>(1 + workloads_ * (resources + 1)));
    clp.setOptimizationDirection(-1);
    clp.setObjectiveCoefficient(0, 1);
    clp.setColumnBounds(0, 0, COIN_DBL_MAX);
    for (std::size_t i = 0; i < workloads_; ++i) {
      double most = 1;
      for (std::size_t r = 0; r < resources; ++r)
        if (const Item& item = ItemOf(r, i); item.demand > 0)
          most = std::min(most, item.ceiling / item.demand);
      const double least = per_share_[i] > 0 ? least_share * least_[i] / per_share_[i] : 0;
      clp.setColumnBounds(ColumnOfX(i), std::min(least, most), most);
      for (std::size_t r = 0; r < resources; ++r)
        clp.setColumnBounds(ColumnOfA(r, i),
                            std::min(Scaled(r, ItemOf(r, i).guarantee), Demand(r, i) * most),
                            COIN_DBL_MAX);
    }
    for (std::size_t r = 0; r < resources; ++r) {
      std::vector<int> columns;
      for (std::size_t i = 0; i < workloads_; ++i) columns.push_back(ColumnOfA(r, i));
      const std::vector<double> ones(columns.size(), 1.0);
      clp.addRow(static_cast<int>(columns.size()), columns.data(), ones.data(), -COIN_DBL_MAX,
                 1 + kHair);
    }
    for (std::size_t i = 0; i < workloads_; ++i)
      for (std::size_t r = 0; r < resources; ++r)
        if (Demand(r, i) > 0) AtLeast(clp, ColumnOfA(r, i), 1, ColumnOfX(i), Demand(r, i));
    for (const std::size_t i : rising) AtLeast(clp, ColumnOfX(i), per_share_[i], 0, 1);
  }

  // factor * column >= other_factor * other
  static void AtLeast(ClpSimplex& clp, int column, double factor, int other, double other_factor) {
    const std::vector<int> columns = {column, other};
    const std::vector<double> factors = {factor, -other_factor};
    clp.addRow(2, columns.data(), factors.data(), 0, COIN_DBL_MAX);
  }

  // The highest level of all that still rise; of one of them, while the others have `floor`.
  double Best(const std::vector<std::size_t>& rising, std::optional<std::size_t> one,
              double floor = 0) {
    // Whether one may rise at all is told by much more than this.
    constexpr double kLoose = 1 - 1e-9;
    ClpSimplex clp;
    Build(clp, rising, one ? kLoose : 1 - kHair);
    if (one) {
      clp.setColumnBounds(0, kLoose * floor, kLoose * floor);
      clp.setObjectiveCoefficient(0, 0);
      clp.setObjectiveCoefficient(ColumnOfX(*one), per_share_[*one]);
    }
    clp.primal();
    all_proven_ = all_proven_ && clp.isProvenOptimal();
    return clp.objectiveValue();
  }

  const HostProblem& host_;
  std::size_t workloads_;
  std::vector<double> least_;
  std::vector<double> per_share_;
  bool all_proven_ = true;
};

TEST(HostOracleTest, DominantSharesAgreeOnRandomHosts) {
  std::mt19937_64 random(41);
  int judged = 0;
  for (int n = 0; n < 1500; ++n) {
    const HostProblem host = test::RandomHost(
        random, {.most_workloads = 6, .most_resources = 3, .tiers = 2, .edge = false});
    const HostAllocation ours = Allocate(host);
    const std::vector<double> theirs = LexicographicOracle(host).Solve();

    if (theirs.empty()) continue;
    ++judged;
    for (std::size_t i = 0; i < theirs.size(); ++i)
      ASSERT_NEAR(ours.progress[i].dominant_share, theirs[i], 2e-9 * std::max(1.0, theirs[i]))
          << "case " << n << ", workload " << i;
  }
  EXPECT_GT(judged, 1450);
}

TEST(HostOracleTest, ThePriceOfAResourceIsTheDualOfItsCapacity) {
  std::mt19937_64 random(42);
  for (int n = 0; n < 1000; ++n) {
    // Everybody wants more of everything than there is: the first level ends at a resource, not at
    // a workload.
    HostProblem host = test::RandomHost(
        random, {.most_workloads = 6, .most_resources = 3, .rights = false, .edge = false});
    for (Resource& resource : host.resources)
      for (Item& item : resource.problem.items)
        item.demand = item.demand * 50 + std::uniform_real_distribution<double>(2, 3)(random) *
                                             resource.problem.capacity;
    const HostAllocation ours = Allocate(host);

    // The LP is about the level at which the first resource is full.
    const auto first = std::ranges::min_element(ours.resources, {}, &Allocation::water_level);
    for (std::size_t r = 0; r < host.resources.size(); ++r) {
      const double theirs = LexicographicOracle(host).PriceOf(r);
      const bool is_first = &ours.resources[r] == &*first;
      ASSERT_NEAR(is_first ? ours.resources[r].shadow_price / theirs : theirs, is_first ? 1 : 0,
                  1e-9)
          << "case " << n;
    }
  }
}

}  // namespace
}  // namespace ballast::allocate

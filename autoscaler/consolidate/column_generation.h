#pragma once

// The set-covering LP over all ways to fill a host, by column generation:
//
//   min sum_p c_p x_p   sum_p a_sp x_p >= demand_s       (pi_s >= 0)
//                       sum_{p of t} x_p <= hosts_t       (mu_t >= 0)
//
// Clp solves the master, Pricer finds columns. Prices are smoothed towards the
// ones of the best bound (Wentges 1997), which tames the oscillation of LP
// duals; every iteration yields bound (B) of bounds.h, whether it converges or
// not. Demand and hosts can be lowered for diving; columns stay valid.
//
// Not thread-safe; owned by one search.

#include <memory>
#include <optional>
#include <vector>

#include "autoscaler/consolidate/bounds.h"
#include "autoscaler/consolidate/column.h"
#include "autoscaler/consolidate/grid_knapsack.h"
#include "autoscaler/consolidate/pricer.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

class ColumnGeneration {
 public:
  struct Limits {
    int iterations = 1'000'000;
    std::int64_t nodes =
        2'000'000;          // of one pricing; more than that is cut off, the bound stays valid
    double enough = 1e300;  // stop when the bound reaches this cost
  };
  struct Outcome {
    double objective = 0;    // of the LP over the columns so far; an upper bound on the LP's value
    double bound = 0;        // best valid lower bound for the demand and hosts set now
    bool feasible = false;   // the LP needs no artificial column
    bool converged = false;  // no column can improve the LP, or rounding closes the gap
  };

  explicit ColumnGeneration(const Instance& in);
  ~ColumnGeneration();
  ColumnGeneration(const ColumnGeneration&) = delete;
  ColumnGeneration& operator=(const ColumnGeneration&) = delete;

  void Add(const std::vector<Column>& columns);
  void SetDemand(const std::vector<int>& demand);  // by shape
  void SetHosts(const std::vector<int>& hosts);    // by type
  // Forgets columns that hold more of a shape than is demanded now. Of those that
  // the last LP uses, the part within the demand stays.
  void DropSurplus();
  Outcome Solve(const Limits& limits, WorkMeter& work);

  // One pricing at the LP's own prices, accurate to some hundredths of a per
  // cent: a valid bound where exact pricing would take too long. Its columns stay.
  double ProveRoughly(WorkMeter& work);

  // Column generation by GridKnapsack, for the whole problem: slower a round than
  // Solve(), but every bound is exact. Only `iterations` and `enough` of the limits
  // count. nullopt where there is no such grid.
  std::optional<Outcome> SolveOnGrid(const Limits& limits, WorkMeter& work);

  // The LP over the columns so far, without new ones: its objective.
  double Reoptimize(WorkMeter& work);

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<int>& demand() const { return demand_; }
  const std::vector<int>& hosts() const { return hosts_; }
  // x of the last LP, as columns().
  std::vector<double> Values() const;
  // pi of the last LP, by shape, in units of Cost / kCostScale.
  const std::vector<double>& prices() const { return out_price_; }

 private:
  struct Lp;
  struct Sweep;

  void SolveLp(WorkMeter& work);
  bool IsFeasible() const;  // the last LP needs no artificial column
  // Of `column` at the prices of the last LP; what is below zero improves it.
  double ReducedCost(const Column& column) const;
  // Those of the grid's last values that improve the LP; false if none.
  bool AddFromGrid();
  Sweep PriceAll(double smoothing, const Pricer::Effort& effort, WorkMeter& work);
  bool RaiseArtificialCost();

  const Instance& in_;      // outlives this
  std::unique_ptr<Lp> lp_;  // hides Clp
  Pricer pricer_;
  std::optional<GridKnapsack> grid_;  // made when first asked for
  std::vector<Column> columns_;
  std::vector<int> demand_, hosts_;
  std::vector<double> out_price_, in_price_;  // pi by shape: of the LP, of the best bound
  std::vector<double> out_rent_, in_rent_;    // mu by type
  double artificial_cost_ = 0;
};

}  // namespace ballast::consolidate

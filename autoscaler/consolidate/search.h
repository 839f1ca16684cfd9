#pragma once

// The order of things: bounds, starts, improvement, columns, dives, restricted
// master, until the incumbent meets the bound or a limit ends it. The schedule
// depends on work alone, never on time.

#include <memory>
#include <optional>
#include <string>

#include "autoscaler/consolidate/bounds.h"
#include "autoscaler/consolidate/column_generation.h"
#include "autoscaler/consolidate/improve.h"
#include "autoscaler/consolidate/random.h"
#include "autoscaler/consolidate/solve.h"

namespace ballast::consolidate {

class Search {
 public:
  Search(const Problem& problem, const SolveOptions& options);
  Solution Run();

 private:
  // Infeasibility that can be seen without search. True when found.
  bool FindInfeasible();
  void Start();
  void StartFromCurrent();
  void RepairAStart();
  void TryExhaustively();
  void FindCulprits(std::int64_t nodes);
  void SearchOn();
  void AddPerfectFills();
  ColumnGeneration::Limits LimitsOf(int iterations) const;
  void GenerateColumns(int iterations);
  void ProveRoughly();
  void Dive(double jitter, std::vector<Column> kept);
  void DiveAgain(int nth);
  std::vector<Column> SelectColumns(const std::vector<Column>& kept) const;
  void TryRestrictedMaster();
  void ImproveIncumbent();

  void Offer(const Packing& packing);
  void TakeIfBetter(const Packing& packing);
  void RaiseBound(double cost, const char* method);
  void Report(const char* phase);
  bool is_done() const;
  bool is_unique() const;                         // hardly two VMs are alike
  bool has_costs_finer_than(double share) const;  // of the whole; and shapes repeat
  bool has_fine_costs() const;
  Solution Finish();

  const Problem& problem_;
  const SolveOptions& options_;
  Instance in_;
  WorkMeter work_;
  Random random_;
  VolumeBound volume_;
  std::vector<double> weights_;
  Improver improver_;
  std::unique_ptr<ColumnGeneration> columns_;
  bool columns_converged_ = false;
  bool dived_ = false;
  std::vector<double> full_prices_;   // by shape, of the LP of the whole problem
  std::size_t mastered_columns_ = 0;  // columns the last restricted master saw
  std::optional<Packing> best_;
  Cost best_cost_ = 0;
  Amount best_bytes_ = 0;
  bool proven_ = false;  // by exhaustion
  Solution solution_;
};

}  // namespace ballast::consolidate

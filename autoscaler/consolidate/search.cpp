#include "autoscaler/consolidate/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "autoscaler/consolidate/budget.h"
#include "autoscaler/consolidate/checker.h"
#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/dive.h"
#include "autoscaler/consolidate/exhaustive.h"
#include "autoscaler/consolidate/perfect_fill.h"
#include "autoscaler/consolidate/repair.h"
#include "autoscaler/consolidate/restricted_master.h"
#include "autoscaler/consolidate/settle.h"

namespace ballast::consolidate {
namespace {

constexpr int kExhaustiveVms = 24;
constexpr std::int64_t kExhaustiveNodes = 400'000;
// More shapes than this make the LP of column generation too slow to help.
constexpr std::size_t kMostShapes = 1'500;
// VMs times hosts up to which the quadratic greedies are tried.
constexpr std::int64_t kGreedyPairs = 3'000'000;
constexpr int kFirstIterations = 50;
constexpr int kMoreIterations = 20;
// Where costs are finer than this share of the whole, pricing is rough until a proof
// is wanted; a good deal finer, and dives are quick: no single host decides there.
constexpr double kFineStep = 2e-3;
constexpr double kVeryFineStep = 1e-3;
// Rounds of pricing that lower the LP by less than this share are not worth it there.
constexpr double kTailOff = 2e-4;
constexpr int kFineDiveIterations = 5;
constexpr double kFineTailHosts = 12;
// With more shapes than this LPs are slow, and the first dive is a hasty one.
constexpr std::size_t kManyShapes = 150;
constexpr int kProofRounds = 5;
constexpr int kGridRounds = 15;
constexpr int kMostRoughRounds = 15;
constexpr int kDivesPerProof = 5;
// Columns that lose more than this share of their cost at the LP's prices hardly
// ever come back in a dive, but slow each of its LPs down.
constexpr double kMostLoss = 0.02;
constexpr std::size_t kMostPerfectFills = 20'000;
constexpr std::size_t kMostMasterColumns = 20'000;

std::int64_t ImproveQuota(const Instance& in) {
  return std::clamp<std::int64_t>(std::int64_t{3'000} * in.vm_count(), 300'000, 40'000'000);
}

}  // namespace

Search::Search(const Problem& problem, const SolveOptions& options)
    : problem_(problem),
      options_(options),
      in_(MakeInstance(problem)),
      work_(options.work_limit, options.should_stop),
      random_(options.seed),
      volume_(ComputeVolumeBound(in_)),
      weights_(ResourceWeights(in_, volume_)),
      improver_(in_, weights_, options) {}

bool Search::is_unique() const {
  return 4 * in_.shapes.size() > static_cast<std::size_t>(in_.vm_count());
}

bool Search::has_costs_finer_than(double share) const {
  return !is_unique() && best_ &&
         static_cast<double>(in_.cost_step) < share * static_cast<double>(best_cost_);
}

bool Search::has_fine_costs() const {
  return has_costs_finer_than(kFineStep);
}

bool Search::is_done() const {
  return proven_ || work_.exhausted() || (best_ && best_cost_ <= solution_.lower_bound);
}

void Search::Report(const char* phase) {
  if (!options_.on_progress) return;
  options_.on_progress({best_.has_value(), best_cost_, solution_.lower_bound, work_.used(), phase});
}

void Search::RaiseBound(double cost, const char* method) {
  const Cost bound = RoundUpToCost(in_, cost);
  if (bound <= solution_.lower_bound && solution_.bound_method != "none") return;
  solution_.lower_bound = bound;
  solution_.bound_method = method;
  Report(method);
}

void Search::Offer(const Packing& offered) {
  if (offered.unplaced_count() > 0) return;
  if (best_ && offered.cost() + in_.fixed_cost > best_cost_) return;
  // Settling is greedy: what was offered may already stay closer to home.
  TakeIfBetter(Settle(offered, work_));
  TakeIfBetter(offered);
}

void Search::TakeIfBetter(const Packing& packing) {
  const auto audit = CheckPlacement(problem_, packing.placement());
  if (!audit) return;  // over the migration budget; anything else would be a bug the checker stops
  if (best_ && (audit->cost > best_cost_ ||
                (audit->cost == best_cost_ && audit->migrated_bytes >= best_bytes_)))
    return;
  const bool cheaper = !best_ || audit->cost < best_cost_;
  best_ = packing;
  best_cost_ = audit->cost;
  best_bytes_ = audit->migrated_bytes;
  if (cheaper) Report("incumbent");
}

bool Search::FindInfeasible() {
  for (int vm = 0; vm < in_.vm_count(); ++vm) {
    bool fits = false;
    for (std::size_t t = 0; t < in_.types.size() && !fits; ++t) {
      if (!in_.Allows(in_.shape_of[vm], static_cast<int>(t))) continue;
      fits = true;
      for (int k = 0; k < in_.resources; ++k)
        fits &= in_.DemandOf(vm)[k] <= in_.types[t].capacity[k];
    }
    if (fits) continue;
    solution_.culprits = {vm};
    solution_.reason =
        fmt::format("VM '{}' fits on no host that it may run on", problem_.vms[vm].name);
    return true;
  }
  if (!volume_.infeasible) return false;
  solution_.reason = fmt::format("all VMs together need more {} than all hosts have",
                                 problem_.resources[volume_.scarce_resource]);
  return true;
}

void Search::StartFromCurrent() {
  Placement current;
  for (const Vm& vm : problem_.vms) current.push_back(vm.current);
  if (std::all_of(current.begin(), current.end(), [](int host) { return host == kNoHost; })) return;
  Packing packing = MakePacking(in_, current);
  Complete(packing, weights_, {1e-4, 20}, random_, work_);
  Offer(packing);
  if (in_.has_budget)
    EmptyHostsWithinBudget(in_, weights_, work_, [&](const Packing& p) { Offer(p); });
}

void Search::Start() {
  StartFromCurrent();
  if (is_done()) return;
  Offer(FirstFitDecreasing(in_, weights_, work_));
  for (const int trials : {20, 60, 200}) {
    if (is_done()) return;
    Offer(FillHostByHost(in_, weights_, {1e-4, trials}, random_, work_));
    Report("fill");
    // More effort pays where sizes are unique; among flavours columns do better.
    if (in_.vm_count() > 20'000 || !is_unique()) break;
  }
  const std::int64_t pairs =
      std::int64_t{in_.vm_count()} * std::min(in_.host_count(), in_.vm_count());
  if (!is_done() && pairs <= kGreedyPairs)
    TryGreedyFamily(in_, weights_, work_, [&](const Packing& packing) { Offer(packing); });
}

// Tight or constrained problems: the starts left something unplaced.
void Search::RepairAStart() {
  Packing packing = FillHostByHost(in_, weights_, {1e-4, 20}, random_, work_);
  PlaceByEjection(packing, WeightedSizes(in_, weights_), 200 + 20 * in_.vm_count(), random_, work_);
  Offer(packing);
}

void Search::TryExhaustively() {
  if (in_.vm_count() > kExhaustiveVms) return;
  std::vector<int> all(static_cast<std::size_t>(in_.vm_count()));
  std::iota(all.begin(), all.end(), 0);
  const ExhaustiveResult result = SearchExhaustively(in_, all, false, kExhaustiveNodes, work_);
  if (result.best) Offer(MakePacking(in_, *result.best));
  if (!result.complete) return;
  proven_ = true;
  if (best_) {
    solution_.lower_bound = best_cost_;
    solution_.bound_method = "exhaustive";
    return;
  }
  solution_.status = Status::kInfeasible;
  solution_.reason = "every placement was tried";
  FindCulprits(kExhaustiveNodes);
}

// Leaves VMs out as long as the rest is still impossible: what remains is a set
// of which every proper subset can be placed.
void Search::FindCulprits(std::int64_t nodes) {
  std::vector<int> set(static_cast<std::size_t>(in_.vm_count()));
  std::iota(set.begin(), set.end(), 0);
  for (int vm = 0; vm < in_.vm_count(); ++vm) {
    std::vector<int> fewer = set;
    std::erase(fewer, vm);
    const ExhaustiveResult result = SearchExhaustively(in_, fewer, true, nodes, work_);
    if (result.complete && !result.best) set = std::move(fewer);
  }
  solution_.culprits = std::move(set);
}

ColumnGeneration::Limits Search::LimitsOf(int iterations) const {
  ColumnGeneration::Limits limits;
  limits.iterations = iterations;
  if (best_) limits.enough = static_cast<double>(best_cost_ - in_.fixed_cost);
  if (has_fine_costs()) limits.nodes = 0;
  return limits;
}

void Search::GenerateColumns(int iterations) {
  auto outcome = columns_->Solve(LimitsOf(iterations), work_);
  // Rough pricing is quick: on while it gains.
  for (int more = 0; has_fine_costs() && more < kMostRoughRounds && !work_.exhausted(); ++more) {
    const double before = outcome.objective;
    if (outcome.converged) break;
    outcome = columns_->Solve(LimitsOf(kMoreIterations), work_);
    if (outcome.objective > before * (1 - kTailOff)) break;
  }
  RaiseBound(outcome.bound, "column generation");
  columns_converged_ = outcome.converged;
  full_prices_ = columns_->prices();
}

// The LP to its end where pricing is not exact, or the best that can be said of it.
void Search::ProveRoughly() {
  const auto outcome = columns_->SolveOnGrid(LimitsOf(kGridRounds), work_);
  if (outcome) {
    RaiseBound(outcome->bound, "column generation");
    columns_converged_ = outcome->converged;
    full_prices_ = columns_->prices();
  }
  if (outcome && outcome->bound >= outcome->objective * (1 - kTailOff)) return;
  for (int i = 0; i < kProofRounds && !is_done() && !columns_converged_; ++i) {
    if (i > 0) GenerateColumns(kMoreIterations);
    if (!work_.exhausted()) RaiseBound(columns_->ProveRoughly(work_), "column generation");
  }
}

// At the lower bound no host may waste what is priced: then only perfect fills
// can make up a solution of that cost.
void Search::AddPerfectFills() {
  const double slack = static_cast<double>(solution_.lower_bound - in_.fixed_cost) - volume_.value;
  if (!is_unique() || slack > 1e-9 * volume_.value + 1) return;
  std::vector<char> exact(static_cast<std::size_t>(in_.resources));
  for (int k = 0; k < in_.resources; ++k) exact[k] = volume_.price[k] > 0;
  // With identical hosts every resource without slack counts, priced or not.
  if (in_.types.size() == 1 && in_.types[0].cost > 0) {
    const Amount hosts = (solution_.lower_bound - in_.fixed_cost) / in_.types[0].cost;
    for (int k = 0; k < in_.resources; ++k) {
      Amount demand = 0;
      for (int vm = 0; vm < in_.vm_count(); ++vm) demand += in_.DemandOf(vm)[k];
      exact[k] = demand == hosts * in_.types[0].capacity[k];
    }
  }
  if (std::none_of(exact.begin(), exact.end(), [](char e) { return e != 0; })) return;
  columns_->Add(FindPerfectFills(in_, exact, kMostPerfectFills, work_));
  Report("perfect fills");
}

// Of the columns known, those that fit beside `kept` hosts and lose little at the
// prices of the LP.
std::vector<Column> Search::SelectColumns(const std::vector<Column>& kept) const {
  std::vector<int> demand;
  for (const Shape& shape : in_.shapes) demand.push_back(static_cast<int>(shape.vms.size()));
  for (const Column& column : kept)
    for (const auto& [shape, count] : column.counts) demand[shape] -= count;
  std::vector<Column> selected;
  for (const Column& column : columns_->columns()) {
    const double cost = static_cast<double>(in_.types[column.type].cost) / kCostScale;
    double value = 0;
    bool fits = true;
    for (const auto& [shape, count] : column.counts) {
      value += full_prices_[shape] * count;
      fits &= count <= demand[shape];
    }
    if (fits && value >= cost * (1 - kMostLoss)) selected.push_back(column);
  }
  return selected;
}

void Search::Dive(double jitter, std::vector<Column> kept) {
  DiveOptions dive;
  dive.jitter = jitter;
  dive.below = best_ ? best_cost_ : std::numeric_limits<Cost>::max();
  dive.kept = std::move(kept);
  std::optional<ColumnGeneration> few;
  if (has_costs_finer_than(kVeryFineStep)) {
    dive.iterations = kFineDiveIterations;
    dive.tail_hosts = kFineTailHosts;
    if (in_.shapes.size() > kManyShapes && !dived_) {
      dive.iterations = 3;
      dive.share_at_once = 0.1;
      dive.sure = 0.3;
    }
  }
  dived_ = true;
  if (!is_unique()) {
    dive.drop_surplus = true;
    few.emplace(in_).Add(SelectColumns(dive.kept));
  }
  const auto chosen = consolidate::Dive(in_, few ? *few : *columns_, dive, random_, work_);
  if (!chosen) return;
  Packing packing = PackColumns(in_, *chosen);
  Complete(packing, weights_, {1e-4, 60}, random_, work_);
  MoveToCheaperHosts(packing, work_);
  Offer(packing);
}

// Gives up part of the incumbent and dives for that part: smaller parts are
// faster, larger ones see more. The shares rotate.
void Search::DiveAgain(int nth) {
  static constexpr double kShares[] = {0.1, 0.2, 0.35, 0.15, 0.6};
  if (!best_) return Dive(0.2, {});
  const double hosts = static_cast<double>(std::max<std::size_t>(1, ColumnsOf(*best_).size()));
  const double share = std::max(kShares[nth % 5], std::min(1.0, 6 / hosts));
  Dive(0.1 * (nth % 4), KeepBestHosts(*best_, full_prices_, share, random_));
}

void Search::TryRestrictedMaster() {
  const std::vector<Column>& columns = columns_->columns();
  if (!best_ || columns.size() > kMostMasterColumns || columns.size() == mastered_columns_) return;
  mastered_columns_ = columns.size();
  Report("restricted master");
  const auto chosen = SolveRestrictedMaster(in_, columns, best_cost_, 300, work_);
  if (!chosen) return;
  Packing packing = PackColumns(in_, *chosen);
  Complete(packing, weights_, {1e-4, 60}, random_, work_);
  Offer(packing);
}

void Search::ImproveIncumbent() {
  if (!best_ || in_.has_budget) return;
  Packing packing = *best_;
  improver_.Round(packing, ImproveQuota(in_), work_);
  Offer(packing);
}

void Search::SearchOn() {
  const bool by_columns = in_.shapes.size() <= kMostShapes;
  for (int i = 0; i < 2 && !is_done() && is_unique(); ++i) ImproveIncumbent();
  if (by_columns && !is_done()) {
    columns_ = std::make_unique<ColumnGeneration>(in_);
    if (best_) columns_->Add(ColumnsOf(*best_));
    AddPerfectFills();
  }
  // A first rough LP, one dive for a good incumbent, then the LP to its end.
  if (by_columns && !is_done()) GenerateColumns(kFirstIterations);
  for (int dives = 0; !is_done();) {
    if (!best_) RepairAStart();
    if (by_columns && dives > 0 && !columns_converged_) {
      GenerateColumns(kMoreIterations);
      // The bound is the coarser of the two once a first dive is through.
      if (has_fine_costs() && !is_done() && dives % kDivesPerProof == 1) ProveRoughly();
    }
    if (by_columns && !is_done()) {
      Report("dive");
      if (dives % 40 == 0)
        Dive(dives == 0 ? 0 : 0.2, {});
      else
        DiveAgain(dives);
      ++dives;
    }
    if (!is_done() && (is_unique() || dives % 20 == 1)) ImproveIncumbent();
    if (by_columns && columns_converged_ && !is_done() && dives % 30 == 20) TryRestrictedMaster();
    if (!by_columns && in_.has_budget) break;
  }
}

Solution Search::Finish() {
  solution_.work_units = work_.used();
  if (!best_) {
    if (proven_) solution_.status = Status::kInfeasible;
    solution_.stop_reason = proven_ ? "infeasible" : work_.stopped() ? "stopped" : "work limit";
    if (!proven_) solution_.reason = "no placement found within the limits, and none ruled out";
    return std::move(solution_);
  }
  const auto audit = CheckPlacement(problem_, best_->placement());
  solution_.placement = best_->placement();
  solution_.cost = audit->cost;
  solution_.hosts_used = audit->hosts_used;
  solution_.moves = audit->moves;
  solution_.migrated_bytes = audit->migrated_bytes;
  const bool optimal = solution_.cost <= solution_.lower_bound;
  solution_.status = optimal ? Status::kOptimal : Status::kFeasible;
  solution_.lower_bound = std::min(solution_.lower_bound, solution_.cost);
  solution_.stop_reason = optimal ? "optimal" : work_.stopped() ? "stopped" : "work limit";
  return std::move(solution_);
}

Solution Search::Run() {
  if (FindInfeasible()) {
    proven_ = true;
    return Finish();
  }
  RaiseBound(volume_.value, "volume");
  RaiseBound(ComputeDualFeasibleBound(in_, volume_), "dual-feasible functions");
  Start();
  if (!is_done() && !best_) RepairAStart();
  if (!is_done()) TryExhaustively();
  if (!is_done()) SearchOn();
  return Finish();
}

}  // namespace ballast::consolidate

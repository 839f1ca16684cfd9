#include "autoscaler/consolidate/column_generation.h"

#include <ClpSimplex.hpp>
#include <CoinPackedMatrix.hpp>
#include <algorithm>
#include <cmath>

namespace ballast::consolidate {
namespace {

constexpr double kUnit = static_cast<double>(kCostScale);
constexpr double kEps = 1e-7;
constexpr double kSmoothing = 0.6;
constexpr double kTailOff = 2e-4;
// Of one pricing for proof: exact knapsacks among forty VMs cost a hundred times as much.
constexpr double kTolerance = 5e-4;
// Of one grid: its fillings cost little beside its values, and each spares rounds.
constexpr std::size_t kFillingsOfType = 16;
constexpr double kGridTailOff = 5e-5;
constexpr std::int64_t kFirstNodes = 2'000;
constexpr std::int64_t kProofNodes = 100'000;

double CostOf(const Type& type) {
  return static_cast<double>(type.cost) / kUnit;
}

}  // namespace

struct ColumnGeneration::Lp {
  ClpSimplex clp;
  int artificials = 0;
  bool bounds_changed = false;
};

// One pricing of all types at the same prices.
struct ColumnGeneration::Sweep {
  double bound = 0;
  bool exact = true;      // no pricing was cut off
  bool improves = false;  // some column has negative reduced cost in the LP
  std::vector<Column> columns;
};

ColumnGeneration::ColumnGeneration(const Instance& in)
    : in_(in), lp_(std::make_unique<Lp>()), pricer_(in) {
  for (const Shape& shape : in.shapes) demand_.push_back(static_cast<int>(shape.vms.size()));
  for (const Type& type : in.types) hosts_.push_back(static_cast<int>(type.hosts.size()));
  ClpSimplex& clp = lp_->clp;
  clp.setLogLevel(0);
  const int shapes = static_cast<int>(in.shapes.size()), types = static_cast<int>(in.types.size());
  clp.resize(shapes + types, 0);
  for (int s = 0; s < shapes; ++s) clp.setRowBounds(s, demand_[s], COIN_DBL_MAX);
  for (int t = 0; t < types; ++t) clp.setRowBounds(shapes + t, -COIN_DBL_MAX, hosts_[t]);
  for (const Type& type : in.types) artificial_cost_ = std::max(artificial_cost_, CostOf(type));
  artificial_cost_ = 2 * artificial_cost_ + 1;
  for (int s = 0; s < shapes; ++s) {
    const double one = 1;
    clp.addColumn(1, &s, &one, 0, COIN_DBL_MAX, artificial_cost_);
  }
  lp_->artificials = shapes;
  out_price_.assign(in.shapes.size(), 0);
  out_rent_.assign(in.types.size(), 0);
}

ColumnGeneration::~ColumnGeneration() = default;

void ColumnGeneration::Add(const std::vector<Column>& columns) {
  std::vector<int> starts = {0}, rows;
  std::vector<double> elements, cost;
  for (const Column& column : columns) {
    columns_.push_back(column);
    for (const auto& [shape, count] : column.counts) {
      rows.push_back(shape);
      elements.push_back(count);
    }
    rows.push_back(static_cast<int>(in_.shapes.size()) + column.type);
    elements.push_back(1);
    starts.push_back(static_cast<int>(rows.size()));
    cost.push_back(CostOf(in_.types[column.type]));
  }
  if (columns.empty()) return;
  const std::vector<double> lower(columns.size(), 0.0), upper(columns.size(), COIN_DBL_MAX);
  lp_->clp.addColumns(static_cast<int>(columns.size()), lower.data(), upper.data(), cost.data(),
                      starts.data(), rows.data(), elements.data());
}

void ColumnGeneration::SetDemand(const std::vector<int>& demand) {
  demand_ = demand;
  for (std::size_t s = 0; s < demand.size(); ++s)
    lp_->clp.setRowBounds(static_cast<int>(s), demand[s], COIN_DBL_MAX);
  in_price_.clear();
  lp_->bounds_changed = true;
}

void ColumnGeneration::DropSurplus() {
  const std::vector<double> x = Values();
  std::vector<Column> kept, within;
  std::vector<int> dropped;
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    const auto& counts = columns_[j].counts;
    const bool surplus = std::any_of(counts.begin(), counts.end(), [this](const auto& entry) {
      return entry.second > demand_[entry.first];
    });
    if (!surplus) {
      kept.push_back(std::move(columns_[j]));
      continue;
    }
    dropped.push_back(lp_->artificials + static_cast<int>(j));
    if (x[j] < kEps) continue;
    Column part{columns_[j].type, {}};
    for (const auto& [shape, count] : counts)
      if (demand_[shape] > 0) part.counts.push_back({shape, std::min(count, demand_[shape])});
    if (!part.counts.empty()) within.push_back(std::move(part));
  }
  columns_ = std::move(kept);
  if (!dropped.empty()) lp_->clp.deleteColumns(static_cast<int>(dropped.size()), dropped.data());
  Add(within);
}

void ColumnGeneration::SetHosts(const std::vector<int>& hosts) {
  hosts_ = hosts;
  for (std::size_t t = 0; t < hosts.size(); ++t)
    lp_->clp.setRowBounds(static_cast<int>(in_.shapes.size() + t), -COIN_DBL_MAX, hosts[t]);
  in_price_.clear();
  lp_->bounds_changed = true;
}

void ColumnGeneration::SolveLp(WorkMeter& work) {
  ClpSimplex& clp = lp_->clp;
  // New rows' bounds keep the basis dual feasible, new columns primal feasible.
  if (lp_->bounds_changed)
    clp.dual();
  else
    clp.primal();
  lp_->bounds_changed = false;
  // A simplex iteration touches about every row once.
  work.Spend(static_cast<std::int64_t>(clp.numberIterations() + 1) * clp.numberRows() / 2);
  const double* price = clp.getRowPrice();
  for (std::size_t s = 0; s < out_price_.size(); ++s) out_price_[s] = std::max(0.0, price[s]);
  for (std::size_t t = 0; t < out_rent_.size(); ++t)
    out_rent_[t] = std::max(0.0, -price[out_price_.size() + t]);
}

bool ColumnGeneration::IsFeasible() const {
  const double* x = lp_->clp.getColSolution();
  return std::all_of(x, x + lp_->artificials, [](double used) { return used < 1e-6; });
}

double ColumnGeneration::ReducedCost(const Column& column) const {
  double reduced = CostOf(in_.types[column.type]) + out_rent_[column.type];
  for (const auto& [shape, count] : column.counts) reduced -= out_price_[shape] * count;
  return reduced;
}

ColumnGeneration::Sweep ColumnGeneration::PriceAll(double smoothing, const Pricer::Effort& effort,
                                                   WorkMeter& work) {
  std::vector<double> price = out_price_, rent = out_rent_;
  if (smoothing > 0 && !in_price_.empty()) {
    for (std::size_t s = 0; s < price.size(); ++s)
      price[s] = smoothing * in_price_[s] + (1 - smoothing) * price[s];
    for (std::size_t t = 0; t < rent.size(); ++t)
      rent[t] = smoothing * in_rent_[t] + (1 - smoothing) * rent[t];
  }
  Sweep sweep;
  double total = 0;
  for (std::size_t s = 0; s < price.size(); ++s) total += price[s] * demand_[s];
  std::vector<double> most(in_.types.size());
  for (std::size_t t = 0; t < most.size(); ++t) {
    if (hosts_[t] == 0) continue;
    const double floor = CostOf(in_.types[t]) + rent[t];
    Priced priced = pricer_.Price(static_cast<int>(t), price, demand_, floor, effort, work);
    most[t] = priced.upper_bound * kUnit;
    sweep.exact &=
        priced.upper_bound <= std::max(floor, priced.value) * (1 + effort.tolerance) + 1e-8;
    for (Column& column : priced.columns) {
      if (ReducedCost(column) > -kEps) continue;
      sweep.improves = true;
      sweep.columns.push_back(std::move(column));
    }
  }
  sweep.bound = ScaledBound(in_, total * kUnit, most, hosts_);
  // The point just priced is the next stability centre; it approaches the LP's.
  in_price_ = std::move(price);
  in_rent_ = std::move(rent);
  return sweep;
}

bool ColumnGeneration::RaiseArtificialCost() {
  double all_hosts = 1;
  for (std::size_t t = 0; t < in_.types.size(); ++t)
    all_hosts += CostOf(in_.types[t]) * static_cast<double>(in_.types[t].hosts.size());
  if (artificial_cost_ > all_hosts) return false;
  artificial_cost_ *= 16;
  for (int s = 0; s < lp_->artificials; ++s) lp_->clp.setObjectiveCoefficient(s, artificial_cost_);
  return true;
}

std::vector<double> ColumnGeneration::Values() const {
  const double* x = lp_->clp.getColSolution() + lp_->artificials;
  return {x, x + columns_.size()};
}

double ColumnGeneration::Reoptimize(WorkMeter& work) {
  SolveLp(work);
  return lp_->clp.objectiveValue() * kUnit;
}

double ColumnGeneration::ProveRoughly(WorkMeter& work) {
  SolveLp(work);
  const Sweep sweep = PriceAll(0, {kProofNodes, kTolerance}, work);
  Add(sweep.columns);
  return sweep.bound;
}

bool ColumnGeneration::AddFromGrid() {
  std::vector<Column> found;
  for (int t = 0; t < static_cast<int>(in_.types.size()); ++t) {
    if (hosts_[t] == 0) continue;
    for (Column& filling : grid_->FillingsOf(t, demand_, kFillingsOfType))
      if (ReducedCost(filling) < -kEps) found.push_back(std::move(filling));
  }
  Add(found);
  return !found.empty();
}

std::optional<ColumnGeneration::Outcome> ColumnGeneration::SolveOnGrid(const Limits& limits,
                                                                       WorkMeter& work) {
  if (!grid_) grid_.emplace(in_);
  if (!grid_->is_usable()) return std::nullopt;
  Outcome outcome;
  std::vector<double> centre;  // the prices of the best bound
  bool smooth = false;
  for (int round = 0; round < limits.iterations && !work.exhausted(); ++round) {
    SolveLp(work);
    outcome.objective = lp_->clp.objectiveValue() * kUnit;
    outcome.feasible = IsFeasible();
    std::vector<double> price = out_price_;
    for (std::size_t s = 0; s < price.size() && smooth; ++s)
      price[s] = kSmoothing * centre[s] + (1 - kSmoothing) * price[s];
    std::vector<double> most = grid_->MostValues(price, work);
    double total = 0;
    for (std::size_t s = 0; s < price.size(); ++s) total += price[s] * kUnit * demand_[s];
    for (double& value : most) value *= kUnit;
    const double bound = ScaledBound(in_, total, most, hosts_);
    if (bound > outcome.bound || centre.empty()) {
      outcome.bound = std::max(bound, outcome.bound);
      centre = std::move(price);
    }
    if (outcome.bound >= limits.enough) break;
    const bool improved = AddFromGrid();
    outcome.converged = outcome.feasible && outcome.bound >= outcome.objective * (1 - kGridTailOff);
    // Nothing at the LP's own prices: the rest of the gap is fillings that need more
    // copies than there are.
    const bool ended = !improved && !smooth && (outcome.feasible || !RaiseArtificialCost());
    if (outcome.converged || ended) break;
    smooth = improved;  // nothing found off the LP's own prices: ask there
  }
  return outcome;
}

ColumnGeneration::Outcome ColumnGeneration::Solve(const Limits& limits, WorkMeter& work) {
  Outcome outcome;
  std::int64_t nodes = kFirstNodes;
  double smoothing = kSmoothing;
  for (int iteration = 0; iteration < limits.iterations; ++iteration) {
    SolveLp(work);
    const ClpSimplex& clp = lp_->clp;
    outcome.objective = clp.objectiveValue() * kUnit;
    outcome.feasible = IsFeasible();
    // Where cost steps are tiny, the last hundredths of a per cent of the LP is
    // dear and decides nothing: the integers are further apart.
    const auto closed = [&] {
      const double step = static_cast<double>(in_.cost_step);
      const bool fine_steps = step < kTailOff * outcome.objective;
      return outcome.feasible &&
             (RoundUpToCost(in_, outcome.bound) >= RoundUpToCost(in_, outcome.objective) ||
              (fine_steps && outcome.bound >= outcome.objective * (1 - kTailOff)));
    };
    if (closed()) outcome.converged = true;
    if (outcome.converged || outcome.bound >= limits.enough || work.exhausted()) break;
    Sweep sweep = PriceAll(smoothing, {nodes, 0}, work);
    outcome.bound = std::max(outcome.bound, sweep.bound);
    if (closed()) outcome.converged = true;
    if (outcome.converged || outcome.bound >= limits.enough) break;
    if (sweep.improves) {
      Add(sweep.columns);
      smoothing = kSmoothing;
    } else if (smoothing > 0) {
      smoothing = 0;  // mis-priced: ask again at the LP's own prices
    } else if (!sweep.exact && nodes < limits.nodes) {
      nodes *= 8;
    } else if (!sweep.exact) {
      break;
    } else if (outcome.feasible || !RaiseArtificialCost()) {
      outcome.converged = true;
      break;
    }
  }
  return outcome;
}

}  // namespace ballast::consolidate

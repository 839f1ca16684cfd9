#include "autoscaler/consolidate/restricted_master.h"

#include <CbcEventHandler.hpp>
#include <CbcHeuristicDiveCoefficient.hpp>
#include <CbcHeuristicFPump.hpp>
#include <CbcHeuristicRINS.hpp>
#include <CbcModel.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>
#include <cmath>

namespace ballast::consolidate {
namespace {

constexpr double kUnit = static_cast<double>(kCostScale);

// Ends the search when the meter does: limits act here too, Cbc has no clock.
class StopWithMeter : public CbcEventHandler {
 public:
  explicit StopWithMeter(WorkMeter& work) : work_(&work) {}
  CbcAction event(CbcEvent which) override {
    if (which == node) work_->Spend(20'000);
    return work_->exhausted() ? stop : noAction;
  }
  CbcEventHandler* clone() const override { return new StopWithMeter(*this); }

 private:
  WorkMeter* work_;  // outlives the search
};

void Load(const Instance& in, const std::vector<Column>& columns, OsiClpSolverInterface& solver) {
  const int shapes = static_cast<int>(in.shapes.size()), types = static_cast<int>(in.types.size());
  CoinPackedMatrix matrix(true, 0, 0);
  matrix.setDimensions(shapes + types, 0);
  std::vector<double> cost, upper;
  for (const Column& column : columns) {
    CoinPackedVector entries;
    for (const auto& [shape, count] : column.counts) entries.insert(shape, count);
    entries.insert(shapes + column.type, 1);
    matrix.appendCol(entries);
    cost.push_back(static_cast<double>(in.types[column.type].cost) / kUnit);
    upper.push_back(static_cast<double>(in.types[column.type].hosts.size()));
  }
  const std::vector<double> lower(columns.size(), 0.0);
  std::vector<double> row_lower, row_upper;
  for (const Shape& shape : in.shapes) row_lower.push_back(static_cast<double>(shape.vms.size()));
  row_upper.assign(in.shapes.size(), COIN_DBL_MAX);
  for (const Type& type : in.types) {
    row_lower.push_back(-COIN_DBL_MAX);
    row_upper.push_back(static_cast<double>(type.hosts.size()));
  }
  solver.loadProblem(matrix, lower.data(), upper.data(), cost.data(), row_lower.data(),
                     row_upper.data());
  for (int j = 0; j < static_cast<int>(columns.size()); ++j) solver.setInteger(j);
}

}  // namespace

std::optional<std::vector<ChosenColumn>> SolveRestrictedMaster(const Instance& in,
                                                               const std::vector<Column>& columns,
                                                               Cost below, int nodes,
                                                               WorkMeter& work) {
  OsiClpSolverInterface solver;
  solver.setHintParam(OsiDoReducePrint, true, OsiHintTry);
  solver.messageHandler()->setLogLevel(0);
  Load(in, columns, solver);
  CbcModel model(solver);
  model.setLogLevel(0);
  model.solver()->messageHandler()->setLogLevel(0);
  model.setMaximumNodes(nodes);
  model.setCutoff(static_cast<double>(below - in.fixed_cost - in.cost_step) / kUnit + 1e-6);
  model.setCutoffIncrement(static_cast<double>(in.cost_step) / kUnit * 0.999);
  CbcHeuristicDiveCoefficient dive(model);
  model.addHeuristic(&dive);
  CbcHeuristicRINS rins(model);
  model.addHeuristic(&rins);
  StopWithMeter stop(work);
  model.passInEventHandler(&stop);
  model.branchAndBound();
  if (model.bestSolution() == nullptr) return std::nullopt;
  std::vector<ChosenColumn> chosen;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const int times = static_cast<int>(std::lround(model.bestSolution()[j]));
    if (times > 0) chosen.push_back({columns[j], times});
  }
  return chosen;
}

}  // namespace ballast::consolidate

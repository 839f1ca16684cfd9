#include "dashboards/cli/consolidation_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::cli {
namespace {

using consolidate::Problem;
using consolidate::Solution;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Problem ThreeVmsOnTwoHosts() {
  Problem problem;
  problem.vms.resize(3);
  problem.vms[0].current = 0;
  problem.vms[1].current = 4;
  problem.vms[2].current = 4;
  return problem;
}

TEST(ConsolidationMetricsTest, PlanHasHostsBoundGapAndMoves) {
  Solution solution;
  solution.status = consolidate::Status::kFeasible;
  solution.hosts_used = 5;
  solution.cost = 5 * consolidate::kCostScale;
  solution.lower_bound = 4 * consolidate::kCostScale;
  solution.moves = 2;
  solution.migrated_bytes = 4096;

  const std::string page = ConsolidationMetrics(ThreeVmsOnTwoHosts(), solution, 1.5, 1e9);

  EXPECT_THAT(page, AllOf(HasSubstr("# TYPE ballast_consolidation_gap_ratio gauge\n"),
                          HasSubstr("ballast_consolidation_status{status=\"feasible\"} 1\n"),
                          HasSubstr("ballast_consolidation_hosts_now 2\n"),
                          HasSubstr("ballast_consolidation_hosts_planned 5\n"),
                          HasSubstr("ballast_consolidation_cost_lower_bound 4\n"),
                          HasSubstr("ballast_consolidation_gap_ratio 0.25\n"),
                          HasSubstr("ballast_consolidation_moves_planned 2\n"),
                          HasSubstr("ballast_consolidation_move_bytes_planned 4096\n"),
                          HasSubstr("ballast_consolidation_solve_seconds 1.5\n")));
}

TEST(ConsolidationMetricsTest, WithoutAPlanItsFamiliesAreAbsent) {
  Solution solution;
  solution.status = consolidate::Status::kInfeasible;

  const std::string page = ConsolidationMetrics(ThreeVmsOnTwoHosts(), solution, 1, 1e9);

  EXPECT_THAT(page, AllOf(HasSubstr("{status=\"infeasible\"} 1\n"),
                          HasSubstr("ballast_consolidation_vms 3\n"),
                          Not(HasSubstr("hosts_planned")), Not(HasSubstr("gap_ratio"))));
}

}  // namespace
}  // namespace ballast::cli

#include "autoscaler/consolidate/explain.h"

#include <gtest/gtest.h>

#include "autoscaler/consolidate/read_problem.h"

namespace ballast::consolidate {
namespace {

Problem Three() {
  return *ReadProblem(R"({"hosts":[{"name":"a","cpu":8,"memory":100,"count":3}],
    "vms":[{"name":"x","cpu":3,"memory":40,"host":"a-1"},{"name":"y","cpu":3,"memory":40,"host":"a-2"},
           {"name":"z","cpu":6,"memory":40,"host":"a-3"}]})");
}

TEST(ExplainTest, EveryHostThatIsOnAndEveryVmHasAReason) {
  const Problem problem = Three();
  const Solution solution = Solve(problem);
  const Explanation explanation = Explain(problem, solution);

  EXPECT_EQ(static_cast<int>(explanation.hosts.size()), solution.hosts_used);
  ASSERT_EQ(explanation.vms.size(), 3u);
  for (const VmReason& reason : explanation.vms) EXPECT_FALSE(reason.why.empty());
  EXPECT_EQ(explanation.vms[2].why, "stays where it runs");
  EXPECT_NE(explanation.one_host_less.find("nothing"), std::string::npos);
}

TEST(ExplainTest, RunnerUpSaysWhatItLacks) {
  const Problem problem = Three();
  const Solution solution = Solve(problem);

  const VmReason reason = Explain(problem, solution).vms[2];

  EXPECT_NE(reason.runner_up, kNoHost);
  EXPECT_EQ(reason.runner_up_why, "needs 4000 more cpu");
}

TEST(TradeOffsTest, MoreMigrationNeverCostsMore) {
  const Problem problem = Three();
  const auto curve = TradeOffs(problem, Solve(problem), {});

  ASSERT_EQ(curve.size(), 2u);
  EXPECT_EQ(curve[0].moves, 0);
  EXPECT_EQ(curve[0].hosts_used, 3);
  EXPECT_EQ(curve[1].hosts_used, 2);
  EXPECT_EQ(curve[1].migrated_bytes, 40);
}

}  // namespace
}  // namespace ballast::consolidate

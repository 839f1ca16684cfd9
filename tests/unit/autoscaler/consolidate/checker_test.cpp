#include "autoscaler/consolidate/checker.h"

#include <gtest/gtest.h>

namespace ballast::consolidate {
namespace {

// Two hosts of 10, three VMs of 5, 5 and 4 that run on a, b and nowhere.
Problem Small() {
  Problem problem;
  problem.resources = {"memory"};
  problem.hosts = {{"a", {10}, 3, false}, {"b", {10}, 4, false}};
  for (const auto& [name, size, current] :
       {std::tuple{"x", 5, 0}, {"y", 5, 1}, {"z", 4, kNoHost}}) {
    Vm vm;
    vm.name = name;
    vm.demand = {size};
    vm.current = current;
    vm.migration_bytes = size;
    problem.vms.push_back(vm);
  }
  return problem;
}

TEST(CheckPlacementTest, AuditCountsCostHostsAndMoves) {
  const auto audit = CheckPlacement(Small(), {0, 0, 1});

  ASSERT_TRUE(audit) << audit.error().ToString();
  EXPECT_EQ(audit->cost, 7);
  EXPECT_EQ(audit->hosts_used, 2);
  EXPECT_EQ(audit->moves, 1) << "z is new, so placing it is no move";
  EXPECT_EQ(audit->migrated_bytes, 5);
}

TEST(CheckPlacementTest, HostThatStaysOnIsPaidWhenEmpty) {
  Problem problem = Small();
  problem.vms.pop_back();
  problem.hosts[1].must_stay_on = true;

  const auto audit = CheckPlacement(problem, {0, 0});

  ASSERT_TRUE(audit);
  EXPECT_EQ(audit->cost, 7);
}

struct Violation {
  const char* name;
  const char* says;
  Placement placement;
  void (*change)(Problem&);
};

class ViolationTest : public testing::TestWithParam<Violation> {};

TEST_P(ViolationTest, IsNamed) {
  Problem problem = Small();
  GetParam().change(problem);

  const auto audit = CheckPlacement(problem, GetParam().placement);

  ASSERT_FALSE(audit);
  EXPECT_NE(audit.error().ToString().find(GetParam().says), std::string::npos)
      << audit.error().ToString();
}

INSTANTIATE_TEST_SUITE_P(
    CheckPlacement, ViolationTest,
    testing::Values(
        Violation{"Unplaced", "violates (1): VM 'z'", {0, 1, kNoHost}, [](Problem&) {}},
        Violation{"NoSuchHost", "violates (1)", {0, 1, 2}, [](Problem&) {}},
        Violation{"TooFew", "violates (1)", {0, 1}, [](Problem&) {}},
        Violation{"Over", "violates (2): host 'a' is 4 of memory over", {0, 0, 0}, [](Problem&) {}},
        Violation{"OverByOne",
                  "violates (2): host 'b' is 1 of memory over",
                  {0, 1, 1},
                  [](Problem& p) { p.hosts[1].capacity = {8}; }},
        Violation{"Forbidden",
                  "violates (3): VM 'x'",
                  {0, 1, 1},
                  [](Problem& p) { p.vms[0].forbidden = {0}; }},
        Violation{"Pinned",
                  "violates (3): VM 'z'",
                  {0, 1, 1},
                  [](Problem& p) { p.vms[2].allowed = {0}; }},
        Violation{"Together",
                  "violates (4)",
                  {0, 0, 1},
                  [](Problem& p) {
                    p.anti_affinity = {{{0, 1}, 1}};
                  }},
        Violation{"Moves", "violates (6): 1 moves", {1, 1, 0}, [](Problem& p) { p.max_moves = 0; }},
        Violation{"Bytes",
                  "violates (6): 5 migrated bytes",
                  {1, 1, 0},
                  [](Problem& p) { p.max_migrated_bytes = 4; }}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace ballast::consolidate

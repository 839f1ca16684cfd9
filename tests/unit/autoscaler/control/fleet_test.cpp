#include "autoscaler/control/fleet.h"

#include <gtest/gtest.h>

#include "tests/unit/autoscaler/control/host_script.h"

namespace ballast::control {
namespace {

using model::EntityKind;
using model::EntityRow;
using model::Field;

class FleetTest : public ::testing::Test {
 protected:
  void Apply(const model::Record& record) {
    ASSERT_NE(state_.Apply(record), model::State::Applied::kSkipped);
    fleet_.Read(state_, record);
  }
  static model::Record KeyOf(std::vector<EntityRow> rows) {
    model::Key key;
    key.entities.push_back({model::kHostRef, EntityKind::kHost, {}, {}, {}});
    for (EntityRow& row : rows) key.entities.push_back(std::move(row));
    return {{.host = "h",
             .boot_id = "b",
             .incarnation = 1,
             .sequence = 1,
             .at = std::chrono::seconds(9),
             .wall_offset = {}},
            key};
  }
  static EntityRow Workload(std::uint32_t ref, EntityKind kind, const char* path,
                            std::uint32_t parent = 0) {
    EntityRow row{model::EntityRef{ref}, kind, model::EntityRef{parent}, {}, {}};
    row.fields.Set(Field::kCgroupId, ref);
    row.fields.Set(Field::kHierarchyId, 0);
    row.fields.SetText(Field::kPath, path);
    return row;
  }
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    for (const auto& [key, tracked] : fleet_.tracked()) paths.push_back(tracked.group.path);
    return paths;
  }

  NodeOptions options_;
  model::State state_;
  Fleet fleet_{options_};
};

TEST_F(FleetTest, WithoutPrefixesItIsTheContainers) {
  Apply(KeyOf({Workload(1, EntityKind::kContainer, "/docker/a"),
               Workload(2, EntityKind::kSlice, "/system.slice")}));

  EXPECT_EQ(Paths(), std::vector<std::string>{"/docker/a"});
}

TEST_F(FleetTest, WhatRunsInsideAManagedWorkloadIsPartOfIt) {
  Apply(KeyOf({Workload(1, EntityKind::kContainer, "/docker/a"),
               Workload(2, EntityKind::kContainer, "/docker/a/inner", 1)}));

  EXPECT_EQ(Paths(), std::vector<std::string>{"/docker/a"});
}

TEST_F(FleetTest, ASliceThatIsThePrefixHoldsWorkloadsAndIsNone) {
  options_.auto_prefixes = {"/agents"};
  Apply(KeyOf({Workload(1, EntityKind::kSlice, "/agents"),
               Workload(2, EntityKind::kSlice, "/agents/a", 1)}));

  EXPECT_EQ(Paths(), std::vector<std::string>{"/agents/a"});
}

TEST_F(FleetTest, LimitsAreReadInTheirUnits) {
  EntityRow row = Workload(1, EntityKind::kContainer, "/docker/a");
  row.fields.Set(Field::kCpuQuotaNs, 25'000'000);
  row.fields.Set(Field::kCpuPeriodNs, 50'000'000);
  row.fields.Set(Field::kMemoryMaxBytes, 4096);
  row.fields.Set(Field::kMemoryHighBytes, model::kUnlimited);
  Apply(KeyOf({row}));

  const Tracked& tracked = fleet_.tracked().front().tracked;
  EXPECT_EQ(tracked.cpu.in_force, 500);
  EXPECT_EQ(tracked.memory.in_force, 4096);
}

TEST_F(FleetTest, ARecordThatRepeatsAnOldLimitDoesNotUndoOurs) {
  test::HostScript host;
  const auto agent = host.Add("a");
  host.CpuLimit(agent, 200);
  Apply(host.Key());
  Tracked* tracked = fleet_.Find(agent);
  ASSERT_NE(tracked, nullptr);
  tracked->cpu.in_force = 800;
  tracked->cpu.written_at = host.now();
  for (int i = 0; i < 20; ++i) Apply(host.Tick());
  EXPECT_EQ(tracked->cpu.in_force, 800);

  host.CpuLimit(agent, 300);
  Apply(host.Tick());

  EXPECT_EQ(tracked->cpu.in_force, 300);
}

}  // namespace
}  // namespace ballast::control

#include "collector/model/state.h"

#include <gtest/gtest.h>

#include "tests/support/synthetic_records.h"

namespace ballast::model {
namespace {

using test::SyntheticHost;

// What two states have in common is all that records carry.
Key Contents(const State& state) {
  return state.ToKey();
}

TEST(StateTest, ReaderThatStartsAtAnyKeyEndsInTheSameState) {
  SyntheticHost host({.workloads = 10});
  const std::vector<Record> records = host.Run(250);

  for (std::size_t start = 0; start < records.size(); ++start) {
    if (!std::holds_alternative<Key>(records[start].body)) continue;
    State late;
    for (std::size_t i = start; i < records.size(); ++i) late.Apply(records[i]);
    EXPECT_EQ(Contents(late), Contents(host.state())) << "from record " << start;
  }
}

TEST(StateTest, NothingIsAppliedBeforeTheFirstKey) {
  SyntheticHost host;
  State state;

  EXPECT_EQ(state.Apply(host.NextTick()), State::Applied::kSkipped);
  EXPECT_FALSE(state.is_whole());
}

TEST(StateTest, MissingRecordIsAGap) {
  SyntheticHost host;
  State state;
  state.Apply(host.Key());
  (void)host.NextTick();

  EXPECT_EQ(state.Apply(host.NextTick()), State::Applied::kGap);
}

TEST(StateTest, RepeatedRecordIsSkipped) {
  SyntheticHost host;
  State state;
  const Record key = host.Key();
  state.Apply(key);

  EXPECT_EQ(state.Apply(key), State::Applied::kSkipped);
}

TEST(StateTest, NewIncarnationForgetsTheOldOne) {
  SyntheticHost old_host({.workloads = 5});
  SyntheticHost new_host({.workloads = 2});
  State state;
  state.Apply(old_host.Key());
  Record key = new_host.Key();
  key.header.incarnation += 1;

  EXPECT_EQ(state.Apply(key), State::Applied::kReset);
  EXPECT_EQ(state.entities().size(), 3U);
}

TEST(StateTest, DeadWorkloadTakesItsDevicesWithIt) {
  SyntheticHost host({.workloads = 1});
  State state;
  Record key = host.Key();
  std::get<Key>(key.body).entities.push_back(
      {EntityRef{50}, EntityKind::kDevice, EntityRef{1}, {}, {}});
  state.Apply(key);
  ASSERT_NE(state.Find(EntityRef{50}), nullptr);

  state.Apply(host.Death(EntityRef{1}));

  EXPECT_EQ(state.Find(EntityRef{1}), nullptr);
  EXPECT_EQ(state.Find(EntityRef{50}), nullptr);
  EXPECT_EQ(state.FindWorkload({1001, 0}), std::nullopt);
}

TEST(StateTest, DecisionRowsStayInTheState) {
  SyntheticHost host({.workloads = 1});
  State state;
  state.Apply(host.Key());
  Record record = host.NextTick();
  EntityRow row{EntityRef{1}, std::nullopt, std::nullopt, {}, {}};
  row.fields.Set(Field::kDemandCpuMillicores, 1500);
  record.body = Event{EventKind::kDecision, std::nullopt, std::nullopt, {}, {row}};

  state.Apply(record);

  EXPECT_EQ(state.Find(EntityRef{1})->fields.Get(Field::kDemandCpuMillicores), 1500U);
}

}  // namespace
}  // namespace ballast::model

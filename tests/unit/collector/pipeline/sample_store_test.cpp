#include "collector/pipeline/sample_store.h"

#include <gtest/gtest.h>

namespace ballast::pipeline {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::Field;

class SampleStoreTest : public ::testing::Test {
 protected:
  model::Tick TickWith(auto&& fill) {
    store_.Begin();
    fill();
    return store_.End();
  }

  std::uint32_t next_ref_ = 10;
  SampleStore store_{4, [this] { return EntityRef{next_ref_++}; }};
};

TEST_F(SampleStoreTest, OnlyChangesAreInTheTick) {
  store_.Add(1, EntityRef{1});
  store_.Add(2, EntityRef{2});
  const auto fill = [&](std::uint64_t usage) {
    return TickWith([&] {
      store_.Of(1).Set(Field::kCpuUsageNs, usage);
      store_.Of(2).Set(Field::kCpuUsageNs, 5);
    });
  };

  EXPECT_EQ(fill(7).rows.size(), 2U);
  EXPECT_TRUE(fill(7).rows.empty());
  const model::Tick changed = fill(8);
  ASSERT_EQ(changed.rows.size(), 1U);
  EXPECT_EQ(changed.rows[0].ref, EntityRef{1});
  EXPECT_EQ(changed.rows[0].fields.Get(Field::kCpuUsageNs), 8U);
}

TEST_F(SampleStoreTest, FieldThatIsNotMeasuredAnyMoreIsCleared) {
  store_.Add(1, EntityRef{1});
  TickWith([&] { store_.Of(1).Set(Field::kMemoryUsageBytes, 5); });

  const model::Tick tick = TickWith([] {});

  ASSERT_EQ(tick.rows.size(), 1U);
  EXPECT_EQ(tick.rows[0].cleared, std::vector{Field::kMemoryUsageBytes});
}

TEST_F(SampleStoreTest, KeptWorkloadKeepsItsValues) {
  store_.Add(1, EntityRef{1});
  TickWith([&] { store_.Of(1).Set(Field::kMemoryUsageBytes, 5); });

  EXPECT_TRUE(TickWith([&] { store_.Keep(1); }).rows.empty());
  EXPECT_EQ(store_.Last(1).Get(Field::kMemoryUsageBytes), 5U);
}

TEST_F(SampleStoreTest, WhatIsSetOfAKeptWorkloadIsAddedToItsLastValues) {
  store_.Add(1, EntityRef{1});
  TickWith([&] {
    store_.Of(1).Set(Field::kMemoryUsageBytes, 5);
    store_.Of(1).Set(Field::kCpuUsageNs, 6);
  });

  const model::Tick tick = TickWith([&] {
    store_.Keep(1);
    store_.Of(1).Set(Field::kCpuUsageNs, 7);
  });

  ASSERT_EQ(tick.rows.size(), 1U);
  EXPECT_TRUE(tick.rows[0].cleared.empty());
  EXPECT_FALSE(tick.rows[0].fields.Has(Field::kMemoryUsageBytes));
  EXPECT_EQ(tick.rows[0].fields.Get(Field::kCpuUsageNs), 7U);
  EXPECT_EQ(store_.Last(1).Get(Field::kMemoryUsageBytes), 5U);
}

TEST_F(SampleStoreTest, WorkloadOfWhichSomethingWasSetIsNotKeptAfterwards) {
  store_.Add(1, EntityRef{1});
  TickWith([&] { store_.Of(1).Set(Field::kMemoryUsageBytes, 5); });

  const model::Tick tick = TickWith([&] {
    store_.Doze(1);
    store_.Of(1).Set(Field::kMemoryUsageBytes, 6);
    store_.Keep(1);
  });

  ASSERT_EQ(tick.rows.size(), 1U);
  EXPECT_EQ(tick.rows[0].fields.Get(Field::kMemoryUsageBytes), 6U);
}

TEST_F(SampleStoreTest, WorkloadDozesForOneTick) {
  store_.Add(1, EntityRef{1});
  TickWith([&] {
    store_.Doze(1);
    EXPECT_TRUE(store_.IsDozing(1));
    store_.Of(1).Set(Field::kMemoryUsageBytes, 5);
  });

  TickWith([&] { EXPECT_FALSE(store_.IsDozing(1)); });
}

TEST_F(SampleStoreTest, WorkloadWithoutLastValuesIsNotKept) {
  store_.Add(1, EntityRef{1});

  TickWith([&] {
    store_.Keep(1);
    EXPECT_FALSE(store_.IsKept(1));
  });
}

TEST_F(SampleStoreTest, TouchedWorkloadIsNotKeptInTheNextTick) {
  store_.Add(1, EntityRef{1});
  TickWith([&] { store_.Of(1).Set(Field::kMemoryUsageBytes, 5); });
  store_.Touch(1);

  TickWith([&] {
    store_.Keep(1);
    EXPECT_FALSE(store_.IsKept(1));
    store_.Of(1).Set(Field::kMemoryUsageBytes, 5);
  });
  TickWith([&] {
    store_.Keep(1);
    EXPECT_TRUE(store_.IsKept(1));
  });
}

TEST_F(SampleStoreTest, KeptChildrenStandThoughTheyAreNotNamed) {
  store_.Add(1, EntityRef{1});
  TickWith([&] {
    store_.Child(1, EntityKind::kDevice, "8:0").Set(Field::kIoReadBytes, 5);
    store_.Child(1, EntityKind::kTool, "make").Set(Field::kCalls, 1);
  });

  const model::Tick tick = TickWith([&] { store_.KeepChildren(1, EntityKind::kDevice); });

  EXPECT_TRUE(tick.rows.empty());
  EXPECT_EQ(tick.removed, std::vector{EntityRef{11}});  // the tool: another kind
}

TEST_F(SampleStoreTest, ChildIsDefinedOnceAndRemovedWhenItIsGone) {
  store_.Add(1, EntityRef{1});
  const auto with_disk = [&](std::uint64_t bytes) {
    return TickWith(
        [&] { store_.Child(1, EntityKind::kDevice, "8:0").Set(Field::kIoReadBytes, bytes); });
  };

  const model::Tick born = with_disk(1);
  const model::Tick grown = with_disk(2);
  const model::Tick gone = TickWith([] {});

  ASSERT_EQ(born.rows.size(), 1U);
  EXPECT_EQ(born.rows[0].kind, EntityKind::kDevice);
  EXPECT_EQ(born.rows[0].parent, EntityRef{1});
  EXPECT_EQ(born.rows[0].fields.GetText(Field::kName), "8:0");
  ASSERT_EQ(grown.rows.size(), 1U);
  EXPECT_EQ(grown.rows[0].kind, std::nullopt);
  EXPECT_EQ(gone.removed, std::vector{born.rows[0].ref});
}

TEST_F(SampleStoreTest, ReusedSlotInheritsNothing) {
  store_.Add(1, EntityRef{1});
  TickWith([&] {
    store_.Of(1).Set(Field::kCpuUsageNs, 7);
    store_.Child(1, EntityKind::kDevice, "8:0");
  });
  store_.Remove(1);
  store_.Add(1, EntityRef{2});

  const model::Tick tick = TickWith([&] { store_.Of(1).Set(Field::kCpuUsageNs, 7); });

  ASSERT_EQ(tick.rows.size(), 1U);
  EXPECT_EQ(tick.rows[0].ref, EntityRef{2});
  EXPECT_TRUE(tick.removed.empty());
}

TEST_F(SampleStoreTest, UntrackedSlotIsABug) {
  EXPECT_DEATH(store_.Of(3), "a slot that is not tracked");
}

}  // namespace
}  // namespace ballast::pipeline

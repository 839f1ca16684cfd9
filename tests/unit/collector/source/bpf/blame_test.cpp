#include "collector/source/bpf/blame.h"

#include <gtest/gtest.h>

#include <array>

namespace ballast::source {
namespace {

std::map<Slot, std::uint64_t> ByHolder(const Blame& blame, Slot waiter) {
  std::map<Slot, std::uint64_t> by_holder;
  for (const auto& held : blame.Largest(waiter)) by_holder[held.holder] = held.ns;
  return by_holder;
}

TEST(BlameTest, WaitIsSharedOutByWhoRan) {
  Blame blame;

  blame.Add(std::array{CpuShare{1, 80, 0}, CpuShare{2, 0, 60}, CpuShare{3, 5, 20}});

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{2, 60}, {3, 20}}));
}

TEST(BlameTest, WhatWasFollowedBackIsNotSharedOut) {
  Blame blame;
  blame.AddHeld(1, 3, 80);

  blame.Add(std::array{CpuShare{1, 80, 0, 80}, CpuShare{2, 0, 60}, CpuShare{3, 5, 20}});

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{3, 80}}));
}

TEST(BlameTest, RestOfAWaitIsSharedOutInProportion) {
  Blame blame;
  blame.AddHeld(1, 3, 40);

  blame.Add(std::array{CpuShare{1, 80, 0, 40}, CpuShare{2, 0, 60}, CpuShare{3, 5, 20}});

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{2, 30}, {3, 50}}));
}

// The kernel raises the two counts one after the other.
TEST(BlameTest, MoreFollowedThanWaitedLeavesNothingToShareOut) {
  Blame blame;

  blame.Add(std::array{CpuShare{1, 80, 0, 90}, CpuShare{2, 0, 60}});

  EXPECT_TRUE(blame.Largest(1).empty());
}

TEST(BlameTest, HostIsAHolderButNoWaiter) {
  Blame blame;

  blame.AddHeld(1, kHostSlot, 7);
  blame.AddHeld(kHostSlot, 1, 7);

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{kHostSlot, 7}}));
  EXPECT_TRUE(blame.Largest(kHostSlot).empty());
}

TEST(BlameTest, SmallestPairsAreForgottenBeyondTheBound) {
  Blame blame;

  for (Slot holder = 2; holder < 100; ++holder) blame.AddHeld(1, holder, holder);

  const auto told = ByHolder(blame, 1);
  EXPECT_EQ(told.size(), Blame::kHolders);
  EXPECT_EQ(told.begin()->first, 100 - Blame::kHolders);
}

TEST(BlameTest, WorkloadMayHoldItsOwnTasksUpAndTheHostMayToo) {
  Blame blame;

  blame.Add(std::array{CpuShare{1, 100, 30}, CpuShare{kHostSlot, 9, 10}});

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{kHostSlot, 32}, {1, 67}}));
  EXPECT_TRUE(blame.Largest(kHostSlot).empty());
}

TEST(BlameTest, SingleTaskNeverWaitsForItself) {
  Blame blame;

  blame.Add(std::array{CpuShare{1, 66, 33}, CpuShare{2, 66, 33}, CpuShare{3, 66, 33}});

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{2, 33}, {3, 33}}));
}

TEST(BlameTest, CpusAndTicksAddUp) {
  Blame blame;

  for (int i = 0; i < 3; ++i) blame.Add(std::array{CpuShare{1, 10, 0}, CpuShare{2, 0, 50}});

  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{2, 30}}));
}

TEST(BlameTest, WaitWithoutARunnerIsNobodys) {
  Blame blame;

  blame.Add(std::array{CpuShare{1, 10, 0}});

  EXPECT_TRUE(blame.Largest(1).empty());
}

TEST(BlameTest, OnlyTheLargestHoldersAreTold) {
  Blame blame;
  std::vector<CpuShare> cpu{{1, 1'000'000, 0}};
  for (Slot holder = 2; holder < 100; ++holder) cpu.push_back({holder, 0, holder});

  blame.Add(cpu);

  const auto told = ByHolder(blame, 1);
  EXPECT_EQ(told.size(), Blame::kHolders);
  EXPECT_EQ(told.begin()->first, 100 - Blame::kHolders);
}

TEST(BlameTest, ForgottenSlotNeitherWaitsNorHolds) {
  Blame blame;
  blame.Add(std::array{CpuShare{1, 10, 5}, CpuShare{2, 10, 5}});

  blame.Forget(2);

  EXPECT_TRUE(blame.Largest(2).empty());
  EXPECT_EQ(ByHolder(blame, 1), (std::map<Slot, std::uint64_t>{{1, 2}}));
}

}  // namespace
}  // namespace ballast::source

// The walk against the files of the same cgroups.

#include "collector/source/bpf/walk.h"

#include <sys/mman.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "collector/model/field.h"
#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/test_cgroups.h"

namespace ballast::source {
namespace {

using std::chrono::milliseconds;
using test::Child;
using test::SpinFor;
using test::TestGroup;

constexpr Slot kSlot = 5;

void HoldMemory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) ::_exit(1);
  std::memset(memory, 1, bytes);
  ::raise(SIGSTOP);
}

class CgroupWalkTest : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (HasFatalFailure()) return;
    auto walk = CgroupWalk::Open(*kernel_, test::MeasuredHierarchies());
    ASSERT_TRUE(walk) << walk.error().ToString();
    walk_.emplace(*std::move(walk));
  }

  WalkTotals Totals(Slot slot) {
    auto cost = walk_->Run();
    EXPECT_TRUE(cost) << (cost ? "" : cost.error().ToString());
    auto totals = walk_->Find(slot);
    EXPECT_TRUE(totals.has_value()) << "no row of this walk";
    return totals.value_or(WalkTotals{});
  }

  std::optional<CgroupWalk> walk_;
};

double Ratio(std::uint64_t measured, std::uint64_t witness) {
  return static_cast<double>(measured) / static_cast<double>(witness);
}

TEST_F(CgroupWalkTest, CpuUsageAgreesWithItsFiles) {
  TestGroup group("cpu");
  Track(kSlot, group);
  Child(group, [] { SpinFor(milliseconds(600)); }).Wait();

  const WalkTotals totals = Totals(kSlot);

  // cpu.stat is in every cgroup2 directory, also where v1 has the controller.
  const std::uint64_t witness = test::KeyedValue(group.Read("cpu.stat"), "usage_usec") * 1000;
  ASSERT_GT(witness, 400'000'000u);
  ASSERT_TRUE(totals.usage_ns);
  EXPECT_NEAR(Ratio(*totals.usage_ns, witness), 1.0, 0.01);
  // The second witness of hybrid hosts: v1 accounts on its own.
  if (group.Has("cpuacct.usage")) {
    EXPECT_NEAR(Ratio(*totals.usage_ns, group.Number("cpuacct.usage")), 1.0, 0.01);
  }
}

TEST_F(CgroupWalkTest, ThrottlingAgreesWithItsFile) {
  TestGroup group("throttle");
  group.SetQuota(milliseconds(20));
  Track(kSlot, group);
  Child(group, [] { SpinFor(milliseconds(150)); }).Wait();

  const WalkTotals totals = Totals(kSlot);

  const std::string file = group.BandwidthStat();
  ASSERT_GT(test::KeyedValue(file, "nr_throttled"), 3u);
  EXPECT_EQ(totals.nr_periods, test::KeyedValue(file, "nr_periods"));
  EXPECT_EQ(totals.nr_throttled, test::KeyedValue(file, "nr_throttled"));
  const std::uint64_t v1 = test::KeyedValue(file, "throttled_time");
  EXPECT_EQ(*totals.throttled_ns / 1000,
            (v1 ? v1 / 1000 : test::KeyedValue(file, "throttled_usec")));
}

TEST_F(CgroupWalkTest, LimitsAreReadAsSet) {
  TestGroup group("limits");
  group.SetQuota(milliseconds(30));
  group.SetMemoryLimit(64 << 20);
  group.Write(group.Has("cpu.weight") ? "cpu.weight" : "cpu.shares",
              group.Has("cpu.weight") ? "200" : "2048");
  Track(kSlot, group);

  const WalkTotals totals = Totals(kSlot);

  EXPECT_EQ(totals.quota_ns, 30'000'000u);
  EXPECT_EQ(totals.period_ns, 100'000'000u);
  // runc's formula for 2048 shares: 1 + 2046 * 9999 / 262142.
  EXPECT_EQ(totals.cpu_weight, group.Has("cpu.weight") ? 200u : 79u);
  EXPECT_EQ(totals.memory_max_bytes, 64u << 20);
}

TEST_F(CgroupWalkTest, NoLimitIsSaidToBeNone) {
  TestGroup group("unlimited");
  Track(kSlot, group);

  const WalkTotals totals = Totals(kSlot);

  EXPECT_EQ(totals.quota_ns, model::kUnlimited);
  EXPECT_EQ(totals.memory_max_bytes, model::kUnlimited);
  EXPECT_TRUE(totals.memory_bytes);
  EXPECT_EQ(totals.nr_periods, 0u);
}

TEST_F(CgroupWalkTest, MemoryAgreesWithItsFile) {
  TestGroup group("memory");
  Track(kSlot, group);
  Child child(group, [] { HoldMemory(48 << 20); });
  child.WaitUntilStopped();

  const WalkTotals totals = Totals(kSlot);

  const std::uint64_t witness =
      group.Number(group.Has("memory.current") ? "memory.current" : "memory.usage_in_bytes");
  ASSERT_GT(witness, 47u << 20);
  ASSERT_TRUE(totals.memory_bytes);
  EXPECT_EQ(*totals.memory_bytes, witness);
  EXPECT_GE(*totals.memory_peak_bytes, witness);
}

TEST_F(CgroupWalkTest, PageListsHoldWhatTheSubtreeTouched) {
  TestGroup group("lists");
  Track(kSlot, group);
  TestGroup inner(group, "inner");
  Child child(inner, [] { HoldMemory(32 << 20); });
  child.WaitUntilStopped();

  const WalkTotals totals = Totals(kSlot);

  const std::string stat = group.Read("memory.stat");
  const std::uint64_t total =
      test::KeyedValue(stat, "total_active_anon") + test::KeyedValue(stat, "total_inactive_anon");
  const std::uint64_t witness =
      total ? total
            : test::KeyedValue(stat, "active_anon") + test::KeyedValue(stat, "inactive_anon");
  ASSERT_GT(witness, 31u << 20);
  ASSERT_TRUE(totals.active_anon_bytes);
  // memory.stat batches per CPU: up to 64 pages on each.
  EXPECT_NEAR(static_cast<double>(*totals.active_anon_bytes + *totals.inactive_anon_bytes),
              static_cast<double>(witness), 64.0 * 4096 * kernel_->cpus());
  child.Kill();
}

TEST_F(CgroupWalkTest, CpuPressureAgreesWithItsFile) {
  TestGroup group("pressure");
  ASSERT_TRUE(group.Has("cpu.pressure")) << "boot with psi=1";
  Track(kSlot, group);
  {
    const auto spin = [] { SpinFor(milliseconds(700)); };
    Child a(group, spin), b(group, spin), c(group, spin), d(group, spin);
    for (Child* child : {&a, &b, &c, &d}) child->Wait();
  }
  // Reading the file makes the kernel bring its totals up to date.
  std::this_thread::sleep_for(milliseconds(2100));
  const std::string file = group.Read("cpu.pressure");
  const std::uint64_t witness = std::strtoull(file.c_str() + file.find("total=") + 6, nullptr, 10);

  const WalkTotals totals = Totals(kSlot);

  ASSERT_GT(witness, 100'000u) << file;
  ASSERT_TRUE(totals.cpu_some_ns);
  EXPECT_NEAR(Ratio(*totals.cpu_some_ns / 1000, witness), 1.0, 0.01);
}

TEST_F(CgroupWalkTest, RemovedGroupLeavesNoRow) {
  {
    TestGroup group("gone");
    Track(kSlot, group);
    Totals(kSlot);
  }

  ASSERT_TRUE(walk_->Run());

  EXPECT_FALSE(walk_->Find(kSlot));
}

TEST_F(CgroupWalkTest, NextOwnerOfASlotSeesItsOwnCountersOnly) {
  {
    TestGroup first("first");
    Track(kSlot, first);
    Child(first, [] { SpinFor(milliseconds(200)); }).Wait();
    ASSERT_GT(Totals(kSlot).usage_ns.value_or(0), 100'000'000u);
  }
  slots_->Forget(kSlot);
  TestGroup second("second");
  Track(kSlot, second);

  EXPECT_LT(Totals(kSlot).usage_ns.value_or(0), 1'000'000u);
}

TEST_F(CgroupWalkTest, SlotThatIsNotWantedIsNotRead) {
  TestGroup wanted("wanted"), other("other");
  Track(kSlot, wanted);
  Track(kSlot + 1, other);

  ASSERT_TRUE(walk_->RunOnly({kSlot}));

  EXPECT_TRUE(walk_->Find(kSlot).has_value());
  EXPECT_FALSE(walk_->Find(kSlot + 1).has_value());
  ASSERT_TRUE(walk_->Run());
  EXPECT_TRUE(walk_->Find(kSlot + 1).has_value());
}

TEST_F(CgroupWalkTest, CostIsCounted) {
  TestGroup group("cost");
  TestGroup inner(group, "inner");
  Track(kSlot, group);

  auto cost = walk_->Run();

  ASSERT_TRUE(cost);
  // v1's cpuacct, where it is mounted alone, holds nothing for the walk.
  const std::size_t walked = walk_->hierarchies();
  EXPECT_EQ(cost->tracked, 2 * walked);
  EXPECT_GE(cost->cgroups, 3 * walked);  // and the roots
  EXPECT_GT(cost->spent.count(), 0);
}

}  // namespace
}  // namespace ballast::source

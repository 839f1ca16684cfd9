// The walk against the files of the same cgroups.

#include "collector/source/bpf/walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "bpf/ballast.skel.h"
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

// Every group of the hierarchy, or straight to the one that is asked for: both
// must say the same.
enum class Way { kThroughAll, kVisit };

class CgroupWalkTest : public test::KernelTest, public ::testing::WithParamInterface<Way> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (HasFatalFailure()) return;
    auto walk = CgroupWalk::Open(*kernel_, test::MeasuredHierarchies());
    ASSERT_TRUE(walk) << walk.error().ToString();
    walk_.emplace(*std::move(walk));
  }

  void Track(Slot slot, const TestGroup& group) {
    KernelTest::Track(slot, group);
    walk_->Track(slot, group.directories());
  }
  Result<WalkCost> Run(Slot slot) {
    return GetParam() == Way::kVisit ? walk_->RunOnly({slot}) : walk_->Run();
  }
  WalkTotals Totals(Slot slot) {
    auto cost = Run(slot);
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

TEST_P(CgroupWalkTest, CpuUsageAgreesWithItsFiles) {
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

TEST_P(CgroupWalkTest, ThrottlingAgreesWithItsFile) {
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

TEST_P(CgroupWalkTest, LimitsAreReadAsSet) {
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

TEST_P(CgroupWalkTest, NoLimitIsSaidToBeNone) {
  TestGroup group("unlimited");
  Track(kSlot, group);

  const WalkTotals totals = Totals(kSlot);

  EXPECT_EQ(totals.quota_ns, model::kUnlimited);
  EXPECT_EQ(totals.memory_max_bytes, model::kUnlimited);
  EXPECT_TRUE(totals.memory_bytes);
  EXPECT_EQ(totals.nr_periods, 0u);
}

TEST_P(CgroupWalkTest, MemoryAgreesWithItsFile) {
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
  if (group.Has("memory.kmem.usage_in_bytes")) {
    EXPECT_GT(group.Number("memory.kmem.usage_in_bytes"), 0u);
    EXPECT_EQ(totals.kernel_bytes, group.Number("memory.kmem.usage_in_bytes"));
  }
}

TEST_P(CgroupWalkTest, PageListsHoldWhatTheSubtreeTouched) {
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

TEST_P(CgroupWalkTest, CpuPressureAgreesWithItsFile) {
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

TEST_P(CgroupWalkTest, RemovedGroupLeavesNoRow) {
  {
    TestGroup group("gone");
    Track(kSlot, group);
    Totals(kSlot);
  }

  ASSERT_TRUE(Run(kSlot));

  EXPECT_FALSE(walk_->Find(kSlot));
}

TEST_P(CgroupWalkTest, NextOwnerOfASlotSeesItsOwnCountersOnly) {
  {
    TestGroup first("first");
    Track(kSlot, first);
    Child(first, [] { SpinFor(milliseconds(200)); }).Wait();
    ASSERT_GT(Totals(kSlot).usage_ns.value_or(0), 100'000'000u);
  }
  slots_->Forget(kSlot);
  walk_->Untrack(kSlot);
  TestGroup second("second");
  Track(kSlot, second);

  EXPECT_LT(Totals(kSlot).usage_ns.value_or(0), 1'000'000u);
}

TEST_P(CgroupWalkTest, GroupsMadeBelowAreAddedAtAnyDepth) {
  TestGroup group("nested");
  Track(kSlot, group);
  const std::uint32_t alone = Totals(kSlot).cgroups;
  TestGroup a(group, "a"), a_b(a, "b"), a_b_c(a_b, "c"), d(group, "d");
  { TestGroup gone(a, "gone"); }

  EXPECT_EQ(alone, 1u);
  EXPECT_EQ(Totals(kSlot).cgroups, 5u);
}

TEST_P(CgroupWalkTest, WorkloadInsideAnotherIsNotAddedToIt) {
  TestGroup outer("outer");
  Track(kSlot, outer);
  TestGroup inner(outer, "inner");
  Track(kSlot + 1, inner);
  TestGroup below(inner, "below");

  EXPECT_EQ(Totals(kSlot).cgroups, 1u);
  EXPECT_EQ(Totals(kSlot + 1).cgroups, 2u);
}

TEST_P(CgroupWalkTest, HundredsBelowAreAllVisited) {
  TestGroup group("many");
  Track(kSlot, group);
  constexpr std::uint32_t kBelow = 300;
  std::vector<std::unique_ptr<TestGroup>> below;
  for (std::uint32_t i = 0; i < kBelow; ++i)
    below.push_back(std::make_unique<TestGroup>(group, std::to_string(i)));

  EXPECT_EQ(Totals(kSlot).cgroups, kBelow + 1);
}

INSTANTIATE_TEST_SUITE_P(BothWays, CgroupWalkTest, ::testing::Values(Way::kThroughAll, Way::kVisit),
                         [](const auto& test) -> std::string {
                           return test.param == Way::kVisit ? "Visit" : "ThroughAll";
                         });

// What is remembered of where groups lie.
class CgroupVisitTest : public CgroupWalkTest {
 protected:
  static constexpr Slot kOther = kSlot + 1;

  bool IsRead(Slot slot) {
    auto cost = walk_->RunOnly({slot});
    EXPECT_TRUE(cost) << (cost ? "" : cost.error().ToString());
    return walk_->Find(slot).has_value();
  }
  // Of the first hierarchy that is walked.
  std::uint64_t AddressOf(Slot slot) {
    wlk_root root{};
    EXPECT_EQ(bpf_map_lookup_elem(map(), &slot, &root), 0);
    return root.cgroup;
  }
  // As if the hook at rmdir had been missed and the memory been given to others.
  void SetAddresses(Slot slot, std::uint64_t address) {
    for (std::uint32_t place = 0; place < WLK_HIERARCHIES; ++place) {
      const std::uint32_t index = place * kernel_->options().slots + slot;
      wlk_root root{};
      ASSERT_EQ(bpf_map_lookup_elem(map(), &index, &root), 0);
      root.cgroup = address;
      ASSERT_EQ(bpf_map_update_elem(map(), &index, &root, BPF_ANY), 0);
    }
  }
  int map() const { return bpf_map__fd(kernel_->skeleton().maps.wlk_roots); }
};

TEST_P(CgroupVisitTest, GroupWhoseAddressIsAnothersIsNotRead) {
  TestGroup group("mine"), other("other");
  Track(kSlot, group);
  Track(kOther, other);
  ASSERT_TRUE(IsRead(kSlot));
  ASSERT_TRUE(IsRead(kOther));

  SetAddresses(kSlot, AddressOf(kOther));

  EXPECT_FALSE(IsRead(kSlot));
  EXPECT_EQ(AddressOf(kSlot), 0u) << "and is not asked again";
}

TEST_P(CgroupVisitTest, AddressOfNothingIsNotRead) {
  TestGroup group("nowhere");
  Track(kSlot, group);
  ASSERT_TRUE(IsRead(kSlot));
  const std::uint64_t address = AddressOf(kSlot);

  for (const std::uint64_t nothing :
       {std::uint64_t{1}, std::uint64_t{4096}, ~std::uint64_t{7}, address + 4, address & 0xffff,
        std::uint64_t{0xffff'8000'0000'0000}, std::uint64_t{0x8000'0000'0000'0000}}) {
    SetAddresses(kSlot, nothing);
    EXPECT_FALSE(IsRead(kSlot)) << std::hex << nothing;
  }
}

TEST_P(CgroupVisitTest, RemovalForgetsWhereTheGroupWas) {
  std::optional<TestGroup> group(std::in_place, "removed");
  Track(kSlot, *group);
  ASSERT_TRUE(IsRead(kSlot));
  ASSERT_NE(AddressOf(kSlot), 0u);

  group.reset();

  EXPECT_EQ(AddressOf(kSlot), 0u);
}

TEST_P(CgroupVisitTest, UntrackedWorkloadIsForgotten) {
  TestGroup group("untracked");
  Track(kSlot, group);
  ASSERT_TRUE(IsRead(kSlot));

  walk_->Untrack(kSlot);

  EXPECT_FALSE(IsRead(kSlot));
}

TEST_P(CgroupVisitTest, GroupThatWasMissedIsMetWithinAHundredRuns) {
  TestGroup group("missed");
  KernelTest::Track(kSlot, group);  // the walk is not told
  ASSERT_FALSE(IsRead(kSlot));

  for (int run = 0; run < 100; ++run) ASSERT_TRUE(walk_->RunOnly({}));

  EXPECT_TRUE(IsRead(kSlot));
}

// Groups come and go between and during visits; each row is of its own group.
TEST_P(CgroupVisitTest, RowsAreTheirOwnWhileGroupsComeAndGo) {
  std::atomic<bool> stop = false;
  std::thread churn([&] {
    const std::string base = "/ballast-test-" + std::to_string(::getpid()) + "-churn";
    for (int i = 0; !stop; ++i)
      for (const auto& hierarchy : test::MeasuredHierarchies()) {
        const std::string path = hierarchy.mount_point + base + std::to_string(i % 8);
        ::mkdir(path.c_str(), 0755);
        ::rmdir(path.c_str());
      }
  });
  for (int round = 0; round < 100; ++round) {
    TestGroup group("own" + std::to_string(round));
    group.SetMemoryLimit((std::uint64_t(round) + 16) << 20);
    Track(kSlot, group);
    for (int run = 0; run < 5; ++run)
      EXPECT_EQ(Totals(kSlot).memory_max_bytes, (std::uint64_t(round) + 16) << 20);
    slots_->Forget(kSlot);
    walk_->Untrack(kSlot);
  }
  stop = true;
  churn.join();
}

INSTANTIATE_TEST_SUITE_P(Visit, CgroupVisitTest, ::testing::Values(Way::kVisit));

TEST_P(CgroupWalkTest, SlotThatIsNotWantedIsNotRead) {
  TestGroup wanted("wanted"), other("other");
  Track(kSlot, wanted);
  Track(kSlot + 1, other);

  ASSERT_TRUE(walk_->RunOnly({kSlot}));

  EXPECT_TRUE(walk_->Find(kSlot).has_value());
  EXPECT_FALSE(walk_->Find(kSlot + 1).has_value());
  ASSERT_TRUE(walk_->Run());
  EXPECT_TRUE(walk_->Find(kSlot + 1).has_value());
}

TEST_P(CgroupWalkTest, CostIsCounted) {
  TestGroup group("cost");
  TestGroup inner(group, "inner");
  Track(kSlot, group);

  auto cost = Run(kSlot);

  ASSERT_TRUE(cost);
  // v1's cpuacct, where it is mounted alone, holds nothing for the walk.
  const std::size_t walked = walk_->hierarchies();
  if (GetParam() == Way::kThroughAll) {
    EXPECT_EQ(cost->tracked, 2 * walked);
    EXPECT_GE(cost->cgroups, 3 * walked);  // and the roots
  } else {
    // The first run meets the group as well.
    EXPECT_GE(cost->tracked, 2 * walked);
    EXPECT_LE(cost->cgroups, 4 * walked + 1);
  }
  EXPECT_GT(cost->spent.count(), 0);
}

}  // namespace
}  // namespace ballast::source

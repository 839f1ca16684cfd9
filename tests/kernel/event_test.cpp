// Events: that they come, from whom, and when.

#include "collector/source/bpf/event_ring.h"

#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "collector/source/bpf/drops.h"
#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/test_cgroups.h"

namespace ballast::source {
namespace {

using std::chrono::milliseconds;
using test::Child;
using test::SpinFor;
using test::TestGroup;

constexpr Slot kSlot = 7;

// A KernelEvent that outlives the call.
struct Seen {
  KernelEvent event;
  std::string comm;
  std::string path;
  BootTime received{};
};

void TouchMemory(std::size_t bytes) {
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (std::size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
}

class EventTest : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!HasFatalFailure()) OpenRing();
  }
  void OpenRing() {
    auto ring = EventRing::Open(*kernel_, [this](const KernelEvent& event) {
      seen_.push_back(
          {event, std::string(event.comm), std::string(event.path), SystemClock().Now()});
    });
    ASSERT_TRUE(ring) << ring.error().ToString();
    ring_ = *std::move(ring);
  }

  // Waits for an event of the kind for `slot` (or, for births, of the path).
  const Seen* WaitFor(KernelEventKind kind, Slot slot, const std::string& path = "") {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < end) {
      const auto found = std::ranges::find_if(seen_, [&](const Seen& seen) {
        return seen.event.kind == kind && seen.event.slot == slot &&
               (path.empty() || seen.path == path);
      });
      if (found != seen_.end()) return &*found;
      pollfd ready{ring_->poll_fd(), POLLIN, 0};
      ::poll(&ready, 1, 50);
      EXPECT_TRUE(ring_->Consume());
    }
    return nullptr;
  }

  std::uint64_t Dropped(std::string_view program, std::string_view reason) const {
    for (const DropCount& drop : ReadDrops(*kernel_))
      if (drop.program == program && drop.reason == reason) return drop.count;
    ADD_FAILURE() << "no such drop reason";
    return 0;
  }

  std::vector<Seen> seen_;
  std::unique_ptr<EventRing> ring_;
};

TEST_F(EventTest, ThrottlingIsReportedAtOnce) {
  TestGroup group("throttled");
  group.SetQuota(milliseconds(10));
  Track(kSlot, group);
  Child child(group, [] { SpinFor(milliseconds(300)); });

  const Seen* seen = WaitFor(KernelEventKind::kThrottled, kSlot);

  ASSERT_NE(seen, nullptr) << "no throttle event";
  EXPECT_EQ(static_cast<pid_t>(seen->event.pid), child.pid());
  const auto delay = seen->received - seen->event.at;
  RecordProperty("delay_us", static_cast<int>(delay.count() / 1000));
  EXPECT_GE(delay.count(), 0);
  EXPECT_LT(delay, milliseconds(20));  // typically 0.1 ms; the bound is for a loaded machine
}

TEST_F(EventTest, UnthrottledWorkloadReportsNothing) {
  TestGroup group("free");
  Track(kSlot, group);
  Child(group, [] { SpinFor(milliseconds(200)); }).Wait();

  ASSERT_TRUE(ring_->Consume());

  EXPECT_TRUE(std::ranges::none_of(seen_, [](const Seen& seen) {
    return seen.event.kind == KernelEventKind::kThrottled && seen.event.slot == kSlot;
  }));
}

TEST_F(EventTest, MemoryLimitHitIsReported) {
  TestGroup group("limit");
  group.SetMemoryLimit(16 << 20);
  Track(kSlot, group);
  Child child(group, [] { TouchMemory(64 << 20); });

  const Seen* seen = WaitFor(KernelEventKind::kMemoryLimit, kSlot);

  ASSERT_NE(seen, nullptr) << "no memory event";
  EXPECT_EQ(static_cast<pid_t>(seen->event.pid), child.pid());
}

TEST_F(EventTest, OomKillNamesTheVictim) {
  TestGroup group("oom");
  group.SetMemoryLimit(16 << 20);
  if (group.Has("memory.swap.max")) group.Write("memory.swap.max", "0");
  Track(kSlot, group);
  Child child(group, [] { TouchMemory(64 << 20); });

  const Seen* seen = WaitFor(KernelEventKind::kOomKill, kSlot);

  ASSERT_NE(seen, nullptr) << "no OOM event";
  EXPECT_EQ(static_cast<pid_t>(seen->event.pid), child.pid());
  EXPECT_EQ(seen->comm + "\n", test::ReadText("/proc/self/comm"));  // the child is a fork
  EXPECT_TRUE(WIFSIGNALED(child.Wait()));
}

TEST_F(EventTest, BirthOfAnUntrackedGroupCarriesItsPath) {
  TestGroup group("born");

  const Seen* seen = WaitFor(KernelEventKind::kCgroupMade, kHostSlot, group.path());

  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->event.cgroup_id, group.directories()[0].id);
  EXPECT_EQ(seen->event.hierarchy_id, group.directories()[0].hierarchy_id);
  EXPECT_FALSE(seen->event.path_is_cut);
}

TEST_F(EventTest, ChildOfATrackedGroupIsBornWithItsSlot) {
  TestGroup group("parent");
  Track(kSlot, group);
  TestGroup inner(group, "inner");

  EXPECT_NE(WaitFor(KernelEventKind::kCgroupMade, kSlot, inner.path()), nullptr);
  for (const auto& directory : inner.directories())
    EXPECT_EQ(slots_->Find(directory.id, directory.hierarchy_id), kSlot) << directory.directory;
}

TEST_F(EventTest, DeathOfARootSaysSoAndForgetsIt) {
  auto group = std::make_unique<TestGroup>("dies");
  Track(kSlot, *group);
  const std::string path = group->path();
  const model::CgroupDirectory directory = group->directories()[0];

  group.reset();

  const Seen* seen = WaitFor(KernelEventKind::kCgroupGone, kSlot, path);
  ASSERT_NE(seen, nullptr);
  EXPECT_TRUE(seen->event.was_root);
  EXPECT_FALSE(slots_->Find(directory.id, directory.hierarchy_id));
}

TEST_F(EventTest, FullSlotTableIsCounted) {
  Start({.slots = 64, .max_cgroups = 4});
  TestGroup group("full");
  model::CgroupDirectory directory = group.directories()[0];
  ASSERT_TRUE(slots_->Track(kSlot, directory));

  std::vector<std::unique_ptr<TestGroup>> inner;
  for (int i = 0; i < 16; ++i)
    inner.push_back(std::make_unique<TestGroup>(group, std::to_string(i)));

  EXPECT_GT(Dropped("slots", "slot_table_full"), 0u);
  while (!inner.empty()) inner.pop_back();
}

TEST_F(EventTest, FullRingIsCounted) {
  ring_.reset();
  Start({.slots = 64, .max_cgroups = 4096, .ring_bytes = 4096});
  TestGroup group("ring");
  std::vector<std::unique_ptr<TestGroup>> many;

  for (int i = 0; i < 8; ++i) many.push_back(std::make_unique<TestGroup>(group, std::to_string(i)));

  EXPECT_GT(Dropped("slots", "ring_full"), 0u);
  while (!many.empty()) many.pop_back();
}

TEST_F(EventTest, NothingIsDroppedInNormalUse) {
  TestGroup group("normal");
  Track(kSlot, group);
  Child(group, [] { SpinFor(milliseconds(100)); }).Wait();
  ASSERT_TRUE(ring_->Consume());

  for (const DropCount& drop : ReadDrops(*kernel_))
    EXPECT_EQ(drop.count, 0u) << drop.program << " " << drop.reason;
}

}  // namespace
}  // namespace ballast::source

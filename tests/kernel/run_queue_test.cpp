// The scheduler hook against the kernel's own account: schedstat for waits,
// /proc and cpuacct for time on the CPU.

#include "collector/source/bpf/run_queue.h"

#include <fcntl.h>
#include <sched.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <thread>

#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/test_cgroups.h"

namespace ballast::source {
namespace {

using std::chrono::milliseconds;
using test::Child;
using test::SpinFor;
using test::TestGroup;

constexpr Slot kSlot = 3;

struct SchedStat {
  std::uint64_t ran_ns = 0;
  std::uint64_t wait_ns = 0;
};

SchedStat ParseSchedStat(const std::string& text) {
  SchedStat stat;
  std::istringstream in(text);
  in >> stat.ran_ns >> stat.wait_ns;
  return stat;
}

// Since it entered its group. Requires: single-threaded, stopped, not reaped.
SchedStat SchedStatOf(const Child& child) {
  const SchedStat before = ParseSchedStat(child.schedstat_at_entry());
  const SchedStat now =
      ParseSchedStat(test::ReadText("/proc/" + std::to_string(child.pid()) + "/schedstat"));
  return {now.ran_ns - before.ran_ns, now.wait_ns - before.wait_ns};
}

void PinToCpu0() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  ::sched_setaffinity(0, sizeof(cpus), &cpus);
}

// Stops by itself at the end, so that its last switch-out is booked and its
// schedstat can still be read. Sleeps a little before: a switch that this kernel
// hides from the hook is made up for at the next one, and a stop has no next.
void SpinThenStop(milliseconds time) {
  SpinFor(time);
  for (int i = 0; i < 5; ++i) ::usleep(200);
  ::raise(SIGSTOP);
}

class RunQueueTest : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!HasFatalFailure()) OpenQueue();
  }
  void OpenQueue() {
    auto queue = RunQueue::Open(*kernel_);
    ASSERT_TRUE(queue) << queue.error().ToString();
    queue_.emplace(*std::move(queue));
  }
  std::optional<RunQueue> queue_;
};

std::uint64_t CountOf(const WaitBuckets& buckets) {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

// Aim: 1 %; FACTS measured 1.0000.
TEST_F(RunQueueTest, WaitSumAgreesWithSchedstat) {
  TestGroup group("wait");
  Track(kSlot, group);
  const auto work = [] {
    PinToCpu0();
    SpinThenStop(milliseconds(500));
  };

  Child one(group, work), two(group, work), three(group, work);
  SchedStat witness;
  for (Child* child : {&one, &two, &three}) {
    child->WaitUntilStopped();
    const SchedStat stat = SchedStatOf(*child);
    witness.wait_ns += stat.wait_ns;
  }

  const RunQueueTotals& totals = queue_->Read(kSlot);
  ASSERT_GT(witness.wait_ns, 1'000'000'000u) << "not enough contention to compare anything";
  EXPECT_NEAR(static_cast<double>(totals.wait_ns) / static_cast<double>(witness.wait_ns), 1.0,
              0.01);
  EXPECT_EQ(totals.own_wait_ns, 0u);
  EXPECT_EQ(CountOf(totals.waits), totals.switches);
}

TEST_F(RunQueueTest, RanTimeAgreesWithSchedstat) {
  TestGroup group("ran");
  Track(kSlot, group);

  Child child(group, [] { SpinThenStop(milliseconds(800)); });
  child.WaitUntilStopped();

  const auto witness = static_cast<double>(SchedStatOf(child).ran_ns);
  EXPECT_NEAR(static_cast<double>(queue_->Read(kSlot).ran_ns) / witness, 1.0, 0.01);
}

// Nanoseconds; bucket 0 begins at 0, the last one never ends.
double LowerEdge(std::size_t bucket) {
  return bucket == 0 ? 0 : 500.0 * std::pow(2.0, static_cast<double>(bucket));
}
double UpperEdge(std::size_t bucket) {
  return 1000.0 * std::pow(2.0, static_cast<double>(bucket));
}

// The witness counts how often the quota ran out: each time, the one task of
// the group waited for it.
TEST_F(RunQueueTest, OwnThrottlingIsKeptApart) {
  TestGroup group("quota");
  group.SetQuota(milliseconds(20));
  Track(kSlot, group);

  Child child(group, [] { SpinThenStop(milliseconds(300)); });
  child.WaitUntilStopped();

  const RunQueueTotals& totals = queue_->Read(kSlot);
  const auto throttled = static_cast<double>(group.Throttled());
  const auto wait = static_cast<double>(SchedStatOf(child).wait_ns);
  ASSERT_GT(throttled, 8) << "the quota did not throttle";
  // Not more often; less often where others held the CPU until the refill.
  EXPECT_LE(static_cast<double>(CountOf(totals.own_waits)), throttled + 1);
  EXPECT_GE(static_cast<double>(CountOf(totals.own_waits)), throttled / 2);
  EXPECT_NEAR(static_cast<double>(totals.own_wait_ns + totals.wait_ns) / wait, 1.0, 0.01);
}

TEST_F(RunQueueTest, UnlimitedWorkloadHasNoOwnThrottling) {
  TestGroup group("free");
  Track(kSlot, group);

  Child child(group, [] { SpinThenStop(milliseconds(300)); });
  child.WaitUntilStopped();

  EXPECT_EQ(CountOf(queue_->Read(kSlot).own_waits), 0u);
}

TEST_F(RunQueueTest, BucketEdgesBracketTheSum) {
  TestGroup group("buckets");
  group.SetQuota(milliseconds(20));
  Track(kSlot, group);

  Child child(group, [] { SpinThenStop(milliseconds(200)); });
  child.WaitUntilStopped();

  const RunQueueTotals& totals = queue_->Read(kSlot);
  double least = 0, most = 0;
  for (std::size_t i = 0; i < RQL_BUCKETS; ++i) {
    least += static_cast<double>(totals.own_waits[i]) * LowerEdge(i);
    most += static_cast<double>(totals.own_waits[i]) * UpperEdge(i);
  }
  ASSERT_GT(CountOf(totals.own_waits), 5u);
  EXPECT_GE(static_cast<double>(totals.own_wait_ns), least);
  EXPECT_LE(static_cast<double>(totals.own_wait_ns), most);
}

TEST_F(RunQueueTest, ChildGroupMadeLaterCountsForItsRoot) {
  TestGroup group("outer");
  Track(kSlot, group);
  TestGroup inner(group, "inner");

  Child child(inner, [] { SpinThenStop(milliseconds(400)); });
  child.WaitUntilStopped();

  EXPECT_GT(queue_->Read(kSlot).ran_ns, 300'000'000u);
  child.Kill();
}

TEST_F(RunQueueTest, GroupThatExistedBelowTheRootCountsToo) {
  TestGroup group("existing");
  TestGroup inner(group, "inner");
  Track(kSlot, group);

  Child child(inner, [] { SpinThenStop(milliseconds(400)); });
  child.WaitUntilStopped();

  EXPECT_GT(queue_->Read(kSlot).ran_ns, 300'000'000u);
  child.Kill();
}

TEST_F(RunQueueTest, NextOwnerOfASlotInheritsNothing) {
  {
    TestGroup first("first");
    Track(kSlot, first);
    Child child(first, [] { SpinFor(milliseconds(300)); });
    child.Wait();
    std::uint64_t ran_ns = 0;  // not by Read, which would move the zero itself
    for (std::uint32_t cpu = 0; cpu < queue_->cpus(); ++cpu)
      ran_ns += queue_->Row(kSlot, cpu).ran_ns;
    ASSERT_GT(ran_ns, 200'000'000u);
  }
  slots_->Forget(kSlot);
  TestGroup second("second");

  queue_->Restart(kSlot);
  Track(kSlot, second);
  std::this_thread::sleep_for(milliseconds(50));

  const RunQueueTotals& totals = queue_->Read(kSlot);
  EXPECT_EQ(totals.ran_ns, 0u);
  EXPECT_EQ(totals.switches, 0u);
  EXPECT_EQ(CountOf(totals.waits), 0u);
}

TEST_F(RunQueueTest, SleeperIsQuietAndSpinnerIsNot) {
  TestGroup asleep("asleep"), busy("busy");
  Track(kSlot, asleep);
  Track(kSlot + 1, busy);
  Child sleeper(asleep, [] { ::pause(); });
  Child spinner(busy, [] { SpinFor(std::chrono::minutes(1)); });
  std::this_thread::sleep_for(milliseconds(200));

  bool was_quiet = true, spinner_was_quiet = false;
  for (int tick = 0; tick < 8; ++tick) {
    queue_->BeginTick();
    if (tick >= 3) was_quiet &= queue_->IsQuiet(kSlot);
    if (tick >= 3) spinner_was_quiet |= queue_->IsQuiet(kSlot + 1);
    std::this_thread::sleep_for(milliseconds(100));
  }

  EXPECT_TRUE(was_quiet);
  EXPECT_FALSE(spinner_was_quiet);
  sleeper.Kill();
  spinner.Kill();
}

TEST_F(RunQueueTest, WakingUpEndsTheQuiet) {
  TestGroup group("waking");
  Track(kSlot, group);
  for (int tick = 0; tick < 4; ++tick) queue_->BeginTick();
  ASSERT_TRUE(queue_->IsQuiet(kSlot));

  Child(group, [] { SpinFor(milliseconds(5)); }).Wait();
  queue_->BeginTick();
  EXPECT_FALSE(queue_->IsQuiet(kSlot));
  queue_->BeginTick();
  EXPECT_FALSE(queue_->IsQuiet(kSlot)) << "what it did just now is still to be measured";
}

// From its next switch on: one that never leaves its CPU stays with the old group.
TEST_F(RunQueueTest, TaskMovedBetweenGroupsIsBookedToTheNewOne) {
  TestGroup from("from"), to("to");
  Track(kSlot, from);
  Track(kSlot + 1, to);
  Child child(from, [] {
    for (int used_ms = 10; used_ms < 700; used_ms += 10) {
      SpinFor(milliseconds(used_ms));  // so much since it was born
      ::usleep(100);
    }
    ::raise(SIGSTOP);
  });
  std::this_thread::sleep_for(milliseconds(300));

  to.Enter(child.pid());
  child.WaitUntilStopped();

  const std::uint64_t before = queue_->Read(kSlot).ran_ns;
  const std::uint64_t after = queue_->Read(kSlot + 1).ran_ns;
  EXPECT_GT(before, 50'000'000u);
  EXPECT_GT(after, 50'000'000u);
  EXPECT_NEAR(static_cast<double>(before + after) / static_cast<double>(SchedStatOf(child).ran_ns),
              1.0, 0.01);
  child.Kill();
}

}  // namespace
}  // namespace ballast::source

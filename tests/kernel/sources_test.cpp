// The kernel side as the pipeline sees it, in the record's fields.

#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/model/field.h"
#include "collector/source/bpf/bpf_sources.h"
#include "tests/kernel/loop_device.h"
#include "tests/kernel/sources_fixture.h"

namespace ballast::source {
namespace {

using model::Field;
using std::chrono::milliseconds;
using test::Child;
using test::kSlot;
using test::SpinFor;
using test::TestGroup;

// User and system time of the children that were waited for.
std::uint64_t WaitedForNs() {
  rusage use{};
  ::getrusage(RUSAGE_CHILDREN, &use);
  const auto micros = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1'000'000 +
                      use.ru_utime.tv_usec + use.ru_stime.tv_usec;
  return static_cast<std::uint64_t>(micros) * 1000;
}

class FakeSink final : public EventSink {
 public:
  void OnEvent(SourceEvent event) override { events.push_back(std::move(event)); }
  void OnCgroup(const CgroupChange& change) override { changes.push_back(change); }
  std::vector<SourceEvent> events;
  std::vector<CgroupChange> changes;
};

using BpfSourcesTest = test::SourcesTest;

TEST_F(BpfSourcesTest, TickHoldsEveryFieldTheKernelSideSupplies) {
  TestGroup group("fields");
  Track(group);
  Child(group, [] { SpinFor(milliseconds(50)); }).Wait();

  const model::FieldSet fields = Collect();

  for (const Field field :
       {Field::kCpuUsageNs, Field::kCpuUserNs, Field::kCpuSystemNs, Field::kCpuRanNs,
        Field::kCpuPeriods, Field::kCpuThrottledPeriods, Field::kCpuThrottledNs, Field::kCpuQuotaNs,
        Field::kCpuPeriodNs, Field::kCpuWeight, Field::kMemoryUsageBytes, Field::kMemoryMaxBytes,
        Field::kMemoryAnonBytes, Field::kMemoryInactiveFileBytes, Field::kMemoryLifetimePeakBytes,
        Field::kPressureCpuSomeNs})
    EXPECT_TRUE(fields.Has(field)) << model::InfoOf(field).name;
  EXPECT_NE(fields.FindHistogram(Field::kRunQueueWait), nullptr);
  EXPECT_NE(fields.FindHistogram(Field::kOwnThrottleWait), nullptr);
}

TEST_F(BpfSourcesTest, UserAndSystemAddUpToUsage) {
  TestGroup group("split");
  Track(group);
  Child(group, [] { SpinFor(milliseconds(100)); }).Wait();

  const model::FieldSet fields = Collect();

  EXPECT_EQ(*fields.Get(Field::kCpuUserNs) + *fields.Get(Field::kCpuSystemNs),
            *fields.Get(Field::kCpuUsageNs));
}

// A child that uses so much CPU, its start outside the group included; how long that was.
std::uint64_t Spend(const TestGroup& group, milliseconds cpu_time) {
  Child child(group, [&] { SpinFor(cpu_time); });
  const std::uint64_t outside_ns = child.ran_before_entry_ns();
  child.Wait();
  return outside_ns;
}

// Born, busy and gone without a walk in between.
TEST_F(BpfSourcesTest, ShortLifeIsAccountedAtItsDeath) {
  model::FieldSet last;
  std::uint64_t outside_ns = 0;
  {
    TestGroup group("short");
    Track(group);
    outside_ns = Spend(group, milliseconds(120));
  }

  for (auto& source : bpf_->sources) source->ReadFinal(kSlot, last);

  ASSERT_TRUE(last.Has(Field::kCpuUsageNs));
  EXPECT_GE(*last.Get(Field::kCpuUsageNs) + outside_ns, 119'900'000u);
  EXPECT_LT(*last.Get(Field::kCpuUsageNs), 135'000'000u);
}

TEST_F(BpfSourcesTest, UseAfterTheLastWalkIsAddedAtDeath) {
  model::FieldSet last;
  std::uint64_t outside_ns = 0;
  {
    TestGroup group("late");
    Track(group);
    outside_ns += Spend(group, milliseconds(80));
    last = Collect();
    outside_ns += Spend(group, milliseconds(80));
  }

  for (auto& source : bpf_->sources) source->ReadFinal(kSlot, last);

  EXPECT_GE(*last.Get(Field::kCpuUsageNs) + outside_ns, 159'800'000u);
  EXPECT_LT(*last.Get(Field::kCpuUsageNs), 180'000'000u);
}

// A walk that finds a task running must not make its time count twice.
// The witness is wait(), because to read the group's file would flush its sums.
TEST_F(BpfSourcesTest, UseAtDeathIsWhatTheProcessesUsed) {
  model::FieldSet last;
  std::uint64_t before = WaitedForNs();
  {
    TestGroup group("exact");
    Track(group);
    Child child(group, [] { SpinFor(milliseconds(150)); });
    before += child.ran_before_entry_ns();
    std::this_thread::sleep_for(milliseconds(40));
    last = Collect();
    child.Wait();
  }
  const auto witness = static_cast<double>(WaitedForNs() - before);

  for (auto& source : bpf_->sources) source->ReadFinal(kSlot, last);

  EXPECT_NEAR(static_cast<double>(*last.Get(Field::kCpuUsageNs)), witness, witness / 100);
  EXPECT_EQ(*last.Get(Field::kCpuUserNs) + *last.Get(Field::kCpuSystemNs),
            *last.Get(Field::kCpuUsageNs));
}

// Runtimes remove a container's directories hierarchy by hierarchy, and each removal tracks what is
// left.
TEST_F(BpfSourcesTest, CountersGoOnWhereDirectoriesGoAway) {
  model::FieldSet last;
  std::uint64_t outside_ns = 0;
  {
    TestGroup group("shrinking");
    Track(group);
    outside_ns += Spend(group, milliseconds(80));
    Track(group);
    outside_ns += Spend(group, milliseconds(80));
  }

  for (auto& source : bpf_->sources) source->ReadFinal(kSlot, last);

  EXPECT_GE(*last.Get(Field::kCpuUsageNs) + outside_ns, 159'800'000u);
  EXPECT_GE(*last.Get(Field::kCpuRanNs) + outside_ns, 159'800'000u);
}

TEST_F(BpfSourcesTest, BlockIoIsAChildOfItsWorkloadAndOfTheHost) {
  TestGroup group("disk");
  Track(group);
  test::LoopDevice disk(1 << 20);
  // The kernel leaves a hook out that it interrupts with itself: on a preemptible kernel three
  // completions in a thousand.
  constexpr std::uint64_t kReads = 200, kSeen = 196;
  Child(group, [&] {
    alignas(4096) char block[4096];
    const int fd = ::open(disk.path().c_str(), O_RDONLY | O_DIRECT);
    for (std::uint64_t i = 0; i < kReads; ++i)
      if (::pread(fd, block, sizeof(block), i * 4096L) != sizeof(block)) ::_exit(1);
  }).Wait();
  test::MapSample sample;

  for (auto& source : bpf_->sources) ASSERT_TRUE(source->Collect(sample));

  for (const Slot slot : {kSlot, kHostSlot}) {
    const auto& fields = sample.children[{slot, model::EntityKind::kDevice, disk.path().substr(5)}];
    EXPECT_GE(fields.Get(Field::kIoReads).value_or(0), kSeen) << slot;
    EXPECT_GE(fields.Get(Field::kIoReadBytes).value_or(0), kSeen * 4096) << slot;
    EXPECT_NE(fields.FindHistogram(Field::kIoReadLatency), nullptr) << slot;
    EXPECT_EQ(fields.FindHistogram(Field::kIoDiscardLatency), nullptr) << slot;
  }
  EXPECT_TRUE(sample.Of(kHostSlot).Has(Field::kIoUnattributedBytes));
}

TEST_F(BpfSourcesTest, ThrottlingArrivesAsAnEventOfTheSlot) {
  TestGroup group("throttle");
  group.SetQuota(milliseconds(10));
  Track(group);
  Child child(group, [] { SpinFor(milliseconds(40)); });
  child.Wait();
  FakeSink sink;

  for (auto& source : bpf_->sources) source->Drain(sink);

  const auto ours =
      std::find_if(sink.events.begin(), sink.events.end(), [](const SourceEvent& event) {
        return event.kind == model::EventKind::kThrottleBegin && event.slot == kSlot;
      });
  ASSERT_NE(ours, sink.events.end());
  EXPECT_TRUE(ours->fields.Has(Field::kEventTimeNs));
}

TEST_F(BpfSourcesTest, BirthIsHintedInTheTrackedHierarchiesOnly) {
  TestGroup group("hint");
  FakeSink sink;

  for (auto& source : bpf_->sources) source->Drain(sink);

  std::size_t ours = 0;
  for (const CgroupChange& change : sink.changes)
    if (change.path == group.path() && change.kind == CgroupChange::Kind::kMade) ++ours;
  EXPECT_EQ(ours, group.directories().size());
}

TEST_F(BpfSourcesTest, WorkloadWithoutAMeasuredDirectoryIsAnError) {
  auto tracked = bpf_->sources.front()->Track({.slot = kSlot, .key = {}, .directories = {}});

  EXPECT_FALSE(tracked);
}

// Ticks of a pipeline with nothing to do, until the workload's turn to doze.
TEST_F(BpfSourcesTest, SleeperIsMeasuredWhenItDozesOnlyIfSomebodyChangedIt) {
  TestGroup group("doze");
  group.SetMemoryLimit(64 << 20);
  Track(group);
  const auto at_its_turn = [&] {
    for (int tick = 0; tick < 20; ++tick) {
      test::MapSample sample;
      for (auto& source : bpf_->sources) source->KeepQuiet(sample);
      const bool is_turn = sample.IsDozing(kSlot);
      for (auto& source : bpf_->sources) EXPECT_TRUE(source->Collect(sample));
      if (is_turn) return sample;
    }
    ADD_FAILURE() << "no turn in 20 ticks";
    return test::MapSample();
  };
  at_its_turn();

  EXPECT_TRUE(at_its_turn().IsKept(kSlot));
  group.SetMemoryLimit(96 << 20);
  test::MapSample changed = at_its_turn();
  EXPECT_FALSE(changed.IsKept(kSlot));
  EXPECT_EQ(changed.Of(kSlot).Get(Field::kMemoryMaxBytes), 96u << 20);
  EXPECT_TRUE(at_its_turn().IsKept(kSlot));
}

}  // namespace
}  // namespace ballast::source

// Block I/O against what fio says it did, and against the kernel's own account
// of the device.

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <boost/json.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "collector/source/bpf/block_io.h"
#include "collector/source/bpf/drops.h"
#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/loop_device.h"
#include "tests/kernel/test_cgroups.h"

namespace ballast::source {
namespace {

using test::Child;
using test::LoopDevice;
using test::TestGroup;

constexpr Slot kSlot = 5;
constexpr std::uint64_t kMiB = 1 << 20;

// Else fio's clock would also measure how long fio itself waits for a CPU. Real
// time is only for those in the root where groups have shares of it.
void PreferThisProcess() {
  const auto layout = model::ReadCgroupLayout();
  if (const auto* cpu = layout ? layout->FindV1("cpu") : nullptr)
    std::ofstream(cpu->mount_point + "/cgroup.procs") << ::getpid();
  sched_param priority{.sched_priority = 10};
  if (::sched_setscheduler(0, SCHED_FIFO, &priority) == 0) return;
  if (::setpriority(PRIO_PROCESS, 0, -20) != 0) ::_exit(126);
}

// One fio job on the device, in JSON.
boost::json::object RunFio(const TestGroup& group, const LoopDevice& disk,
                           const std::string& mode) {
  const std::string report = std::filesystem::temp_directory_path() / "ballast-fio.json";
  Child child(group, [&] {
    PreferThisProcess();
    ::execlp("fio", "fio", "--name=job", ("--filename=" + disk.path()).c_str(), "--direct=1",
             "--ioengine=psync", ("--rw=" + mode).c_str(), "--bs=4k", "--size=16m", "--thread",
             "--output-format=json", ("--output=" + report).c_str(), nullptr);
    ::_exit(127);
  });
  EXPECT_EQ(child.Wait(), 0) << "fio failed or is not installed";
  const std::string text = test::ReadText(report);
  ::unlink(report.c_str());
  boost::system::error_code error;
  auto parsed = boost::json::parse(text, error);
  EXPECT_FALSE(error) << text;
  if (error) return {};
  return parsed.at("jobs").at(0).as_object();
}

double Number(const boost::json::object& job, const char* direction, const char* what) {
  return job.at(direction).at(what).to_number<double>();
}

// Direct I/O of 4 KiB blocks, `blocks` of them.
void WriteBlocks(const std::string& path, int blocks) {
  const int fd = ::open(path.c_str(), O_RDWR | O_DIRECT);
  alignas(4096) static char block[4096];
  for (int i = 0; i < blocks; ++i)
    if (::pwrite(fd, block, sizeof(block), i * 4096L) != sizeof(block)) ::_exit(1);
}

class BlockTest : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!HasFatalFailure()) OpenBlock();
  }
  void OpenBlock() {
    auto block = BlockIo::Open(*kernel_);
    ASSERT_TRUE(block) << block.error().ToString();
    block_.emplace(*std::move(block));
  }
  // Since the rows got their owners.
  BlockTotals Read(Slot slot, const LoopDevice& disk) {
    BlockTotals found;
    block_->Read(
        [&](Slot owner, std::uint32_t device, const BlockTotals& totals, const BlockTotals&) {
          if (owner == slot && device == disk.number()) found = totals;
        });
    return found;
  }
  std::uint64_t Dropped() const {
    for (const DropCount& drop : ReadDrops(*kernel_))
      if (drop.program == "block") return drop.count;
    return 0;
  }

  std::optional<BlockIo> block_;
};

TEST_F(BlockTest, BytesAndRequestsAgreeWithFio) {
  LoopDevice disk(16 * kMiB);
  TestGroup group("fio");
  Track(kSlot, group);

  const auto job = RunFio(group, disk, "randrw");

  ASSERT_FALSE(job.empty());
  const BlockTotals totals = Read(kSlot, disk);
  const auto& read = totals.directions[BLK_READ];
  const auto& write = totals.directions[BLK_WRITE];
  ASSERT_GT(Number(job, "read", "total_ios"), 1000);
  EXPECT_NEAR(static_cast<double>(read.bytes) / Number(job, "read", "io_bytes"), 1, 0.01);
  EXPECT_NEAR(static_cast<double>(write.bytes) / Number(job, "write", "io_bytes"), 1, 0.01);
  EXPECT_NEAR(static_cast<double>(read.requests) / Number(job, "read", "total_ios"), 1, 0.01);
  EXPECT_NEAR(static_cast<double>(write.requests) / Number(job, "write", "total_ios"), 1, 0.01);
}

// Of a quantile, by our buckets: 0 under 1 us, then one for each doubling.
double BucketOf(double ns) {
  return ns < 1000 ? 0 : std::floor(std::log2(ns / 1000)) + 1;
}

TEST_F(BlockTest, LatencyQuantilesAgreeWithFio) {
  LoopDevice disk(16 * kMiB);
  TestGroup group("latency");
  Track(kSlot, group);

  const auto job = RunFio(group, disk, "randread");

  ASSERT_FALSE(job.empty());
  const model::Histogram latency = Read(kSlot, disk).directions[BLK_READ].latency;
  const auto& clat = job.at("read").at("clat_ns").at("percentile");
  for (const auto& [share, name] : {std::pair{0.50, "50.000000"}, std::pair{0.99, "99.000000"}}) {
    const double ours = model::QuantileNs(latency, share);
    const double fios = clat.at(name).to_number<double>();
    EXPECT_LE(std::abs(BucketOf(ours) - BucketOf(fios)), 1)
        << "p" << name << ": " << ours << " ns, fio " << fios << " ns";
  }
}

TEST_F(BlockTest, DiscardsAndFlushesAreCounted) {
  LoopDevice disk(16 * kMiB);
  TestGroup group("discard");
  Track(kSlot, group);
  constexpr int kTimes = 8;
  const auto before = disk.Stat();

  Child child(group, [&] {
    const int fd = ::open(disk.path().c_str(), O_RDWR | O_DIRECT);
    for (std::uint64_t i = 0; i < kTimes; ++i) {
      std::uint64_t range[2] = {i * kMiB, 64 * 1024};
      if (::ioctl(fd, BLKDISCARD, range) != 0 || ::fsync(fd) != 0) ::_exit(1);
    }
  });
  ASSERT_EQ(child.Wait(), 0);

  const auto after = disk.Stat();
  const BlockTotals totals = Read(kSlot, disk);
  const auto& discard = totals.directions[BLK_DISCARD];
  ASSERT_EQ(after.size(), 17u);
  EXPECT_EQ(discard.bytes, kTimes * 64u * 1024u);
  EXPECT_EQ(discard.requests, after[11] - before[11]);
  EXPECT_EQ(totals.flushes, static_cast<std::uint64_t>(kTimes));
  EXPECT_EQ(totals.flushes, after[15] - before[15]);
  EXPECT_EQ(totals.directions[BLK_WRITE].bytes, 0u);
}

TEST_F(BlockTest, GroupMadeBelowTheWorkloadCountsForIt) {
  LoopDevice disk(kMiB);
  TestGroup group("outer");
  Track(kSlot, group);
  TestGroup inner(group, "inner");

  ASSERT_EQ(Child(inner, [&] { WriteBlocks(disk.path(), 10); }).Wait(), 0);

  EXPECT_EQ(Read(kSlot, disk).directions[BLK_WRITE].bytes, 10u * 4096u);
}

TEST_F(BlockTest, UntrackedGroupIsOtherAndTheRootIsNobody) {
  LoopDevice disk(kMiB);
  TestGroup group("tracked"), stranger("stranger");
  Track(kSlot, group);

  ASSERT_EQ(Child(stranger, [&] { WriteBlocks(disk.path(), 10); }).Wait(), 0);
  ASSERT_EQ(Child(group,
                  [&] {
                    for (const auto& hierarchy : test::TrackedHierarchies())
                      std::ofstream(hierarchy.mount_point + "/cgroup.procs") << ::getpid();
                    WriteBlocks(disk.path(), 20);
                  })
                .Wait(),
            0);

  EXPECT_EQ(Read(kSlot, disk).directions[BLK_WRITE].bytes, 0u);
  EXPECT_EQ(Read(kHostSlot, disk).directions[BLK_WRITE].bytes, 10u * 4096u);
  EXPECT_EQ(Read(BlockIo::kNobody, disk).directions[BLK_WRITE].bytes, 20u * 4096u);
}

TEST_F(BlockTest, NextOwnerOfASlotAndOfItsRowsStartsFromZero) {
  LoopDevice disk(kMiB);
  BlockTotals last;
  {
    TestGroup first("first");
    Track(kSlot, first);
    ASSERT_EQ(Child(first, [&] { WriteBlocks(disk.path(), 50); }).Wait(), 0);
    slots_->Forget(kSlot);
    block_->Release(kSlot, [&](Slot, std::uint32_t, const BlockTotals& totals, const BlockTotals&) {
      last = totals;
    });
  }
  TestGroup second("second");
  Track(kSlot, second);
  ASSERT_EQ(Child(second, [&] { WriteBlocks(disk.path(), 3); }).Wait(), 0);

  EXPECT_EQ(last.directions[BLK_WRITE].bytes, 50u * 4096u);
  EXPECT_EQ(Read(kSlot, disk).directions[BLK_WRITE].bytes, 3u * 4096u);
}

TEST_F(BlockTest, RowsOfTheDeadAreGivenToOthers) {
  Start({.slots = 8, .max_cgroups = 4096, .devices_per_slot = 1});
  OpenBlock();
  LoopDevice disk(kMiB);
  for (int i = 0; i < 32; ++i) {
    TestGroup group("many" + std::to_string(i));
    Track(kSlot, group);
    ASSERT_EQ(Child(group, [&] { WriteBlocks(disk.path(), i + 1); }).Wait(), 0);
    EXPECT_EQ(Read(kSlot, disk).directions[BLK_WRITE].requests, static_cast<std::uint64_t>(i) + 1);
    slots_->Forget(kSlot);
    block_->Release(kSlot, [](auto&&...) {});
    for (int tick = 0; tick < 2; ++tick) block_->Read([](auto&&...) {});
  }
  EXPECT_EQ(Dropped(), 0u);
}

TEST_F(BlockTest, IoWithoutARowIsCountedAsDropped) {
  Start({.slots = 2, .max_cgroups = 4096, .devices_per_slot = 1});
  OpenBlock();
  LoopDevice one(kMiB), two(kMiB), three(kMiB);
  const std::uint64_t before = Dropped();

  for (const LoopDevice* disk : {&one, &two, &three}) WriteBlocks(disk->path(), 4);

  EXPECT_GE(Dropped() - before, 4u);  // the files' own disk may have taken a row
}

}  // namespace
}  // namespace ballast::source

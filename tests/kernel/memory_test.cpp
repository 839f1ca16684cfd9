// Reclaim, peaks and OOM kills against what the test itself made happen and the
// kernel's counters in the cgroup files.

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "collector/model/field.h"
#include "collector/source/bpf/bpf_sources.h"
#include "tests/kernel/sources_fixture.h"

namespace ballast::source {
namespace {

using model::Field;
using std::chrono::milliseconds;
using test::Child;
using test::kSlot;
using test::SpinFor;
using test::TestGroup;

constexpr std::uint64_t kMiB = 1 << 20;

char* Allocate(std::size_t bytes) {
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (std::size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
  return memory;
}

class OomSink final : public EventSink {
 public:
  void OnEvent(SourceEvent event) override {
    if (event.kind == model::EventKind::kOomKill && event.slot == kSlot)
      kills.push_back(std::move(event.fields));
  }
  void OnCgroup(const CgroupChange&) override {}

  std::vector<model::FieldSet> kills;
};

class MemoryTest : public test::SourcesTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(SourcesTest::SetUp());
    for (const char* program :
         {"mem_on_reclaim", "mem_on_memcg_end", "mem_on_direct", "mem_on_direct_end", "clk_start"})
      ASSERT_TRUE(bpf_->kernel->IsAttached(program)) << program;
  }
  const std::vector<model::FieldSet>& Kills() {
    for (auto& source : bpf_->sources) source->Drain(sink_);
    return sink_.kills;
  }

  OomSink sink_;
};

// A file four times as large as the limit: all of it but what is still there was
// reclaimed by the reader.
TEST_F(MemoryTest, ReclaimAtTheOwnLimitIsTimedAndCounted) {
  const std::string file = std::filesystem::temp_directory_path() / "ballast-reclaim";
  constexpr std::uint64_t kFile = 128 * kMiB;
  std::vector<char> block(kMiB, 'x');
  {
    std::ofstream out(file, std::ios::binary);
    for (std::uint64_t at = 0; at < kFile; at += block.size())
      out.write(block.data(), static_cast<std::streamsize>(block.size()));
  }
  {
    const int fd = ::open(file.c_str(), O_RDONLY);
    ASSERT_EQ(::fsync(fd), 0);
    ASSERT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    ::close(fd);
  }
  TestGroup group("reclaim");
  group.SetMemoryLimit(32 * kMiB);
  Track(group);

  Child child(group, [&] {
    const int fd = ::open(file.c_str(), O_RDONLY);
    while (::read(fd, block.data(), block.size()) > 0) {
    }
    ::raise(SIGSTOP);
  });
  child.WaitUntilStopped();
  const model::FieldSet fields = Collect();
  const std::uint64_t left =
      group.Number(group.Has("memory.current") ? "memory.current" : "memory.usage_in_bytes");
  ::unlink(file.c_str());

  const model::Histogram* wait = fields.FindHistogram(Field::kReclaimMemcgWait);
  ASSERT_NE(wait, nullptr);
  EXPECT_GT(TotalCount(*wait), 10u);
  EXPECT_GT(wait->sum_ns, TotalCount(*wait) * 100);
  if (const auto reclaimed = fields.Get(Field::kMemoryReclaimedBytes)) {  // on v2: by the file
    EXPECT_NEAR(static_cast<double>(*reclaimed), static_cast<double>(kFile - left),
                0.1 * static_cast<double>(kFile));
  }
  EXPECT_EQ(TotalCount(*fields.FindHistogram(Field::kReclaimDirectWait)), 0u);
}

// The first burst raises the lifetime maximum, which gives it away; the second
// one is lower and only seen by looking often.
TEST_F(MemoryTest, PeaksInsideTheTickAreSeen) {
  TestGroup group("peak");
  Track(group);
  static_cast<void>(Collect());
  for (const std::uint64_t burst : {96 * kMiB, 64 * kMiB}) {
    Child child(group, [&] {
      char* memory = Allocate(burst);
      SpinFor(milliseconds(120));  // its processor time: six looks and more
      ::munmap(memory, burst);
    });
    child.Wait();

    const auto peak = Collect().Get(Field::kMemoryTickPeakBytes);

    ASSERT_TRUE(peak);
    EXPECT_NEAR(static_cast<double>(*peak), static_cast<double>(burst),
                0.1 * static_cast<double>(burst) + 1.0 * kMiB)
        << burst / kMiB << " MiB";
  }
  EXPECT_LT(*Collect().Get(Field::kMemoryTickPeakBytes), 16 * kMiB);
}

TEST_F(MemoryTest, EveryKillHasItsVictimAndTheOwnLimitAsCause) {
  TestGroup group("own");
  group.SetMemoryLimit(16 * kMiB);
  if (group.Has("memory.swap.max")) group.Write("memory.swap.max", "0");
  Track(group);
  constexpr std::size_t kKills = 5;
  std::vector<std::uint64_t> victims;

  for (std::size_t i = 0; i < kKills; ++i) {
    Child child(group, [] { Allocate(64 * kMiB); });
    victims.push_back(static_cast<std::uint64_t>(child.pid()));
    EXPECT_TRUE(WIFSIGNALED(child.Wait()));
  }

  const auto& kills = Kills();
  ASSERT_EQ(kills.size(), kKills);
  for (std::size_t i = 0; i < kKills; ++i) {
    EXPECT_EQ(kills[i].Get(Field::kPid), victims[i]);
    EXPECT_EQ(kills[i].GetText(Field::kOomCause), "own_limit");
    // What it had of its own and of the pages it shares with this test.
    EXPECT_GT(*kills[i].Get(Field::kVictimResidentBytes), 12 * kMiB);
    EXPECT_LT(*kills[i].Get(Field::kVictimResidentBytes), 48 * kMiB);
  }
}

TEST_F(MemoryTest, LimitOfAGroupAboveIsAnAncestorsKill) {
  TestGroup pool("pool");
  pool.SetMemoryLimit(16 * kMiB);
  if (pool.Has("memory.swap.max")) pool.Write("memory.swap.max", "0");
  TestGroup group(pool, "workload");
  Track(group);

  Child child(group, [] { Allocate(64 * kMiB); });
  EXPECT_TRUE(WIFSIGNALED(child.Wait()));

  const auto& kills = Kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].GetText(Field::kOomCause), "ancestor");
}

TEST_F(MemoryTest, LimitOfAGroupBelowIsTheWorkloadsOwn) {
  TestGroup group("outer");
  Track(group);
  TestGroup inner(group, "inner");
  inner.SetMemoryLimit(16 * kMiB);
  if (inner.Has("memory.swap.max")) inner.Write("memory.swap.max", "0");

  Child child(inner, [] { Allocate(64 * kMiB); });
  EXPECT_TRUE(WIFSIGNALED(child.Wait()));

  const auto& kills = Kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].GetText(Field::kOomCause), "own_limit");
}

}  // namespace
}  // namespace ballast::source

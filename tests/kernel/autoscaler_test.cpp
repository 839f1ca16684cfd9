// Limits in real cgroups: what the actuator says it wrote is read from the
// files by the test itself, and what the kernel does with it is seen on a
// process inside.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/control/node_loop.h"
#include "collector/base/priority.h"
#include "tests/kernel/test_cgroups.h"

namespace ballast::actuate {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = 1 << 20;

void TouchMemory(std::int64_t bytes) {
  std::vector<char> memory(static_cast<std::size_t>(bytes));
  for (std::size_t i = 0; i < memory.size(); i += 4096) memory[i] = 1;
}

class AutoscalerKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "kernel suite: run as root (ctest -L kernel)";
    journal_ = std::filesystem::temp_directory_path() /
               ("ballast-test-journal-" + std::to_string(::getpid()));
    Make();
  }
  void Make(const std::string& shared_pool = "", double cpu_burst = 0) {
    auto made =
        CgroupActuator::Make({.roots = RootsFromMountinfo(test::ReadText("/proc/self/mountinfo")),
                              .prefixes = {group_.path()},
                              .journal_path = journal_,
                              .shared_pool = shared_pool,
                              .cpu_burst = cpu_burst},
                             clock_);
    ASSERT_TRUE(made) << made.error().ToString();
    actuator_ = std::make_unique<CgroupActuator>(std::move(*made));
  }
  void TearDown() override { std::filesystem::remove(journal_); }

  Group Id() const {
    const model::CgroupDirectory& first = group_.directories().front();
    return {{first.id, first.hierarchy_id}, group_.path()};
  }
  void Adopt() {
    const auto adoptions = actuator_->Adopt({Id()});
    ASSERT_FALSE(adoptions[0].error) << adoptions[0].error->ToString();
  }
  std::string QuotaFile() const { return group_.Has("cpu.max") ? "cpu.max" : "cpu.cfs_quota_us"; }
  std::string MemoryFile() const {
    return group_.Has("memory.high") ? "memory.high" : "memory.limit_in_bytes";
  }

  // v1 waits at the limit; v2 is slowed down at memory.high.
  bool HitsItsLimit() const {
    if (!group_.Has("memory.oom_control"))
      return test::KeyedValue(group_.Read("memory.events"), "high") > 0;
    return group_.Read("memory.oom_control").find("under_oom 1") != std::string::npos;
  }

  test::TestGroup group_{"autoscaler"};
  std::string journal_;
  SystemClock clock_;
  std::unique_ptr<CgroupActuator> actuator_;
};

TEST_F(AutoscalerKernelTest, LimitsStandInTheFilesAndReleasePutsTheOriginalsBack) {
  const std::string quota = group_.Read(QuotaFile());
  const std::string memory = group_.Read(MemoryFile());
  Adopt();

  const Actuation cpu = actuator_->Set(Id(), Resource::kCpu, 500);
  const Actuation bytes = actuator_->Set(Id(), Resource::kMemory, 64 * kMiB);
  const Actuation weight = actuator_->Set(Id(), Resource::kCpuWeight, 2000);
  const Actuation wait = actuator_->Set(Id(), Resource::kMemoryWait, 1);

  EXPECT_EQ(cpu.outcome, Outcome::kApplied) << cpu.error;
  EXPECT_EQ(bytes.outcome, Outcome::kApplied) << bytes.error;
  EXPECT_EQ(weight.outcome, Outcome::kApplied) << weight.error;
  EXPECT_TRUE(wait.error.empty()) << wait.error;
  EXPECT_EQ(group_.Number(QuotaFile()), 50'000U);
  EXPECT_EQ(group_.Number(MemoryFile()), static_cast<std::uint64_t>(64 * kMiB));

  actuator_.reset();  // as after kill -9
  const auto released = ReleaseFile(journal_);

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_EQ(group_.Read(QuotaFile()), quota);
  EXPECT_EQ(group_.Read(MemoryFile()), memory);
}

TEST_F(AutoscalerKernelTest, MemoryInUseIsNeverCutOff) {
  Adopt();
  ASSERT_EQ(actuator_->Set(Id(), Resource::kMemory, 256 * kMiB).outcome, Outcome::kApplied);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  test::Child child(group_, [&] {
    std::vector<char> memory(64 * kMiB, 1);
    EXPECT_EQ(::write(ready[1], "r", 1), 1);
    ::pause();
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);

  const Actuation done = actuator_->Set(Id(), Resource::kMemory, 16 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kRefused);
  EXPECT_EQ(group_.Number(MemoryFile()), static_cast<std::uint64_t>(256 * kMiB));
}

// v1 refuses such a write (EBUSY), v2 would kill.
TEST_F(AutoscalerKernelTest, AnOriginalBelowUseIsPutBackOnceUseFell) {
  const std::string file = group_.Has("memory.max") ? "memory.max" : "memory.limit_in_bytes";
  group_.Write(file, std::to_string(32 * kMiB));
  Adopt();
  ASSERT_EQ(actuator_->Set(Id(), Resource::kMemory, 256 * kMiB).error, "");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  test::Child child(group_, [&] {
    std::vector<char> memory(64 * kMiB, 1);
    EXPECT_EQ(::write(ready[1], "r", 1), 1);
    ::pause();
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  actuator_.reset();

  const auto refused = ReleaseFile(journal_);

  ASSERT_TRUE(refused) << refused.error().ToString();
  EXPECT_EQ(refused->failures.size(), 1U);
  EXPECT_GE(group_.Number(file), static_cast<std::uint64_t>(256 * kMiB));
  child.Kill();
  const auto released = ReleaseFile(journal_, 5s);
  ASSERT_TRUE(released);
  EXPECT_TRUE(released->failures.empty());
  EXPECT_EQ(group_.Number(file), static_cast<std::uint64_t>(32 * kMiB));
}

// CPU time of a process that does nothing but use it, over so long.
double UsedShare(pid_t pid, std::chrono::milliseconds span) {
  const auto ran_ns = [&] {
    return std::strtoull(test::ReadText("/proc/" + std::to_string(pid) + "/schedstat").c_str(),
                         nullptr, 10);
  };
  const std::uint64_t before = ran_ns();
  std::this_thread::sleep_for(span);
  return static_cast<double>(ran_ns() - before) /
         static_cast<double>(std::chrono::nanoseconds(span).count());
}

TEST_F(AutoscalerKernelTest, AFrozenGroupStandsStillAndReleaseThawsItAfterAKill) {
  ASSERT_TRUE(group_.Has("cgroup.freeze")) << "no cgroup2 hierarchy";
  test::Child child(group_, [] { test::SpinFor(60s); });
  Adopt();
  ASSERT_GT(UsedShare(child.pid(), 500ms), 0);

  const Actuation frozen = actuator_->Set(Id(), Resource::kFreeze, 1);

  EXPECT_EQ(frozen.outcome, Outcome::kApplied) << frozen.error;
  EXPECT_EQ(group_.Number("cgroup.freeze"), 1U);
  std::this_thread::sleep_for(100ms);  // each task stops at its next way back from the kernel
  EXPECT_EQ(UsedShare(child.pid(), 500ms), 0);
  EXPECT_EQ(actuator_->Set(Id(), Resource::kFreeze, 1).outcome, Outcome::kUnchanged);
  actuator_.reset();
  ASSERT_TRUE(ReleaseFile(journal_));
  EXPECT_EQ(group_.Number("cgroup.freeze"), 0U);
  EXPECT_GT(UsedShare(child.pid(), 500ms), 0);
}

TEST_F(AutoscalerKernelTest, AV1GroupIsFrozenByItsFreezer) {
  const CgroupRoots roots = RootsFromMountinfo(test::ReadText("/proc/self/mountinfo"));
  if (roots.freezer.empty()) return;  // pure v2
  const std::filesystem::path freezer = roots.freezer + group_.path();
  std::filesystem::create_directory(freezer);
  {
    test::Child child(group_, [] { test::SpinFor(60s); });
    std::ofstream(freezer / "cgroup.procs") << child.pid();
    // As on a host without any cgroup2 mount.
    auto made = CgroupActuator::Make({.roots = {.unified = "",
                                                .cpu = roots.cpu,
                                                .memory = roots.memory,
                                                .freezer = roots.freezer},
                                      .prefixes = {group_.path()},
                                      .journal_path = journal_},
                                     clock_);
    ASSERT_TRUE(made);
    const Group any{{}, group_.path()};
    ASSERT_FALSE(made->Adopt({any})[0].error);

    EXPECT_EQ(made->Set(any, Resource::kFreeze, 1).outcome, Outcome::kApplied);

    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(test::ReadText(freezer / "freezer.state"), "FROZEN\n");
    EXPECT_EQ(UsedShare(child.pid(), 500ms), 0);
    EXPECT_EQ(made->Set(any, Resource::kFreeze, 0).outcome, Outcome::kApplied);
    EXPECT_EQ(made->Set(any, Resource::kFreeze, 1).outcome, Outcome::kApplied);
    ASSERT_TRUE(ReleaseFile(journal_));
    EXPECT_EQ(test::ReadText(freezer / "freezer.state"), "THAWED\n");
    EXPECT_GT(UsedShare(child.pid(), 500ms), 0);
  }
  std::error_code ignored;
  for (int i = 0; i < 500 && std::filesystem::exists(freezer); ++i) {
    std::filesystem::remove(freezer, ignored);
    std::this_thread::sleep_for(2ms);
  }
}

TEST_F(AutoscalerKernelTest, ACgroupThatIsRemovedInBetweenIsGoneForEveryWrite) {
  Adopt();
  ASSERT_EQ(actuator_->Set(Id(), Resource::kCpu, 500).error, "");
  const Group id = Id();
  std::vector<Resource> written{Resource::kCpu, Resource::kMemory, Resource::kCpuWeight};
  // v2 has nothing to switch, so there nothing is missed.
  if (group_.Has("memory.oom_control")) written.push_back(Resource::kMemoryWait);
  group_.Remove();

  for (const Resource resource : written) {
    const Actuation done = actuator_->Set(id, resource, 1000);
    EXPECT_EQ(done.outcome, Outcome::kGone) << ToString(resource) << ": " << done.error;
    EXPECT_FALSE(done.error.empty());
  }
  const auto released = actuator_->ReleaseAll();
  ASSERT_TRUE(released);
  EXPECT_TRUE(released->failures.empty());
}

TEST_F(AutoscalerKernelTest, AGroupWaitsAtItsLimitUntilTheLimitRises) {
  if (!group_.Has("memory.oom_control"))
    return;  // v2 slows a group at memory.high; nothing is switched
  Adopt();
  ASSERT_EQ(actuator_->Set(Id(), Resource::kMemory, 64 * kMiB).outcome, Outcome::kApplied);
  ASSERT_EQ(actuator_->Set(Id(), Resource::kMemoryWait, 1).error, "");
  test::Child child(group_, [] { TouchMemory(200 * kMiB); });
  for (int i = 0; i < 200 && !HitsItsLimit(); ++i) std::this_thread::sleep_for(10ms);
  ASSERT_TRUE(HitsItsLimit()) << "never hit its limit";

  EXPECT_EQ(actuator_->Set(Id(), Resource::kMemory, 512 * kMiB).outcome, Outcome::kApplied);

  const int status = child.Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "killed by " << WTERMSIG(status);
}

TEST_F(AutoscalerKernelTest, TheV1SwapLimitFollowsTheMemoryLimitBothWays) {
  if (!group_.Has("memory.memsw.limit_in_bytes")) return;  // v2's memory.swap.max stands alone
  group_.Write("memory.limit_in_bytes", std::to_string(64 * kMiB));
  group_.Write("memory.memsw.limit_in_bytes", std::to_string(96 * kMiB));
  Adopt();

  EXPECT_EQ(actuator_->Set(Id(), Resource::kMemory, 128 * kMiB).error, "");
  EXPECT_EQ(group_.Number("memory.memsw.limit_in_bytes"), static_cast<unsigned>(160 * kMiB));
  EXPECT_EQ(actuator_->Set(Id(), Resource::kMemory, 32 * kMiB).error, "");
  EXPECT_EQ(group_.Number("memory.limit_in_bytes"), static_cast<unsigned>(32 * kMiB));
  EXPECT_EQ(group_.Number("memory.memsw.limit_in_bytes"), static_cast<unsigned>(64 * kMiB));
}

TEST_F(AutoscalerKernelTest, TheBurstFollowsTheQuotaBothWays) {
  const std::string file = group_.Has("cpu.max.burst") ? "cpu.max.burst" : "cpu.cfs_burst_us";
  if (!group_.Has(file)) return;  // before 5.14 (v1) and 5.19 (v2)
  Make("", 1.0);
  Adopt();

  EXPECT_EQ(actuator_->Set(Id(), Resource::kCpu, 500).error, "");
  EXPECT_EQ(group_.Number(file), 50'000U);
  EXPECT_EQ(actuator_->Set(Id(), Resource::kCpu, 200).error, "");
  EXPECT_EQ(group_.Number(file), 20'000U);
  EXPECT_EQ(group_.Number(QuotaFile()), 20'000U);

  ASSERT_TRUE(ReleaseFile(journal_));
  EXPECT_EQ(group_.Number(file), 0U);
}

// The group is the pool; workloads are groups inside it.
class PoolKernelTest : public AutoscalerKernelTest {
 protected:
  void SetUp() override {
    AutoscalerKernelTest::SetUp();
    Make(group_.path());
    Adopt();
    ASSERT_EQ(actuator_->Set(Id(), Resource::kMemoryPool, 64 * kMiB).error, "");
    ASSERT_EQ(actuator_->Set(Id(), Resource::kMemoryWait, 1).error, "");
  }
  static std::uint64_t OomKills(const test::TestGroup& group) {
    return test::KeyedValue(
        group.Read(group.Has("memory.oom_control") ? "memory.oom_control" : "memory.events"),
        "oom_kill");
  }
};

TEST_F(PoolKernelTest, NobodyIsKilledAtAPoolThatRises) {
  const test::TestGroup one(group_, "one");
  const test::TestGroup two(group_, "two");
  test::Child first(one, [] { TouchMemory(150 * kMiB); });
  test::Child second(two, [] { TouchMemory(150 * kMiB); });
  for (int i = 0; i < 1000 && !HitsItsLimit(); ++i) std::this_thread::sleep_for(10ms);
  ASSERT_TRUE(HitsItsLimit()) << "never hit the pool";

  EXPECT_EQ(actuator_->Set(Id(), Resource::kMemoryPool, 512 * kMiB).error, "");

  for (test::Child* child : {&first, &second}) {
    const int status = child->Wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "killed by " << WTERMSIG(status);
  }
  EXPECT_EQ(OomKills(one) + OomKills(two), 0U);
}

TEST_F(PoolKernelTest, WhatIsUsedInsideIsNeverCutOff) {
  ASSERT_EQ(actuator_->Set(Id(), Resource::kMemoryPool, 256 * kMiB).error, "");
  const test::TestGroup one(group_, "one");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  test::Child child(one, [&] {
    std::vector<char> memory(64 * kMiB, 1);
    EXPECT_EQ(::write(ready[1], "r", 1), 1);
    ::pause();
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);

  const Actuation done = actuator_->Set(Id(), Resource::kMemoryPool, 16 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kRefused);
  EXPECT_EQ(group_.Number(MemoryFile()), static_cast<std::uint64_t>(256 * kMiB));
}

// v1: a group made inside one that waits is made waiting.
TEST_F(PoolKernelTest, ReleaseEndsTheWaitsThatNewGroupsInherited) {
  const test::TestGroup adopted(group_, "adopted");
  const test::TestGroup unknown(group_, "unknown");
  const model::CgroupDirectory& first = adopted.directories().front();
  const Group id{{first.id, first.hierarchy_id}, adopted.path()};
  ASSERT_FALSE(actuator_->Adopt({id})[0].error);

  actuator_.reset();  // as after kill -9
  const auto released = ReleaseFile(journal_);

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_TRUE(released->failures.empty());
  for (const test::TestGroup* group :
       std::initializer_list<const test::TestGroup*>{&group_, &adopted, &unknown})
    EXPECT_EQ(test::KeyedValue(group->Read("memory.oom_control"), "oom_kill_disable"), 0U);
  EXPECT_NE(group_.Number(MemoryFile()), static_cast<unsigned>(64 * kMiB));
}

TEST_F(PoolKernelTest, GuaranteesAreMemoryLow) {
  const test::TestGroup one(group_, "one");
  const model::CgroupDirectory& first = one.directories().front();
  const Group id{{first.id, first.hierarchy_id}, one.path()};
  ASSERT_FALSE(actuator_->Adopt({id})[0].error);

  const Actuation done = actuator_->Set(id, Resource::kMemoryGuarantee, 32 * kMiB);

  EXPECT_EQ(done.error, "");
  EXPECT_EQ(one.Number("memory.low"), one.Has("memory.low") ? static_cast<unsigned>(32 * kMiB) : 0);
}

// Nice counts inside a session only, where the kernel has groups of sessions.
TEST(PriorityKernelTest, RunSoonIsSeenByTheScheduler) {
  ASSERT_EQ(::geteuid(), 0U) << "kernel suite: run as root (ctest -L kernel)";
  const bool has_sessions =
      test::ReadText("/proc/sys/kernel/sched_autogroup_enabled").starts_with("1");
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    const bool is_set = RunSoon(-7).has_value() && ::getpriority(PRIO_PROCESS, 0) == -7;
    const std::string session = test::ReadText("/proc/self/autogroup");
    ::_exit(!is_set ? 1 : has_sessions && session.find("nice -7") == std::string::npos ? 2 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: nice, 2: the session's";
}

// observe -> decide -> write, with the kernel's own quota as the witness.
TEST_F(AutoscalerKernelTest, ARefusalRaisesTheQuotaInTheFile) {
  group_.SetQuota(20ms);
  control::NodeOptions options;
  options.mode = control::Mode::kAuto;
  options.auto_prefixes = {group_.path()};
  options.cpu_headroom.shared = false;  // else an idle host's quota is raised before it is met
  control::Outbox outbox;
  control::NodeLoop loop(options, *actuator_, outbox);
  model::RecordHeader header{.host = "h",
                             .boot_id = "b",
                             .incarnation = 1,
                             .sequence = 1,
                             .at = clock_.Now(),
                             .wall_offset = {}};
  model::Key key;
  key.entities.push_back({model::kHostRef, model::EntityKind::kHost, {}, {}, {}});
  key.entities[0].fields.Set(model::Field::kCpusOnline, 2);
  key.entities[0].fields.Set(model::Field::kMemoryAvailableBytes,
                             static_cast<std::uint64_t>(1024 * kMiB));
  model::EntityRow row{model::EntityRef{1}, model::EntityKind::kContainer, {}, {}, {}};
  row.fields.Set(model::Field::kCgroupId, Id().key.cgroup_id);
  row.fields.Set(model::Field::kHierarchyId, Id().key.hierarchy_id);
  row.fields.SetText(model::Field::kPath, group_.path());
  row.fields.Set(model::Field::kCpuQuotaNs, 20'000'000);
  row.fields.Set(model::Field::kCpuPeriodNs, 100'000'000);
  key.entities.push_back(row);
  loop.OnRecord({header, key}, clock_.Now());
  const std::uint64_t before = group_.Number(QuotaFile());

  test::Child child(group_, [] { test::SpinFor(10s); });
  const std::string stat = group_.Has("cpu.max")
                               ? "cpu.stat"
                               : group_.File("cpu.cfs_quota_us").parent_path() / "cpu.stat";
  const auto throttled = [&] {
    return test::KeyedValue(
        test::ReadText(stat.front() == '/' ? std::filesystem::path(stat) : group_.File(stat)),
        "nr_throttled");
  };
  for (int i = 0; i < 500 && throttled() == 0; ++i) std::this_thread::sleep_for(2ms);
  ASSERT_GT(throttled(), 0U) << "the spinner was never refused";
  model::Event event;
  event.kind = model::EventKind::kThrottleBegin;
  event.key = Id().key;
  ++header.sequence;
  header.at = clock_.Now();
  event.fields.Set(model::Field::kEventTimeNs, static_cast<std::uint64_t>(header.at.count()));
  loop.OnRecord({header, event}, header.at);

  EXPECT_GE(group_.Number(QuotaFile()), 2 * before);
  // A host that runs somebody else in between adds to it; the benchmark has the figures.
  EXPECT_LT(loop.stats().reaction.sum_ns, 2'000'000'000U);
  RecordProperty("reaction_us", static_cast<int>(loop.stats().reaction.sum_ns / 1000));
  std::printf("reaction: %llu us\n",
              static_cast<unsigned long long>(loop.stats().reaction.sum_ns / 1000));
}

}  // namespace
}  // namespace ballast::actuate

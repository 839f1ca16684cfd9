#include "autoscaler/actuate/cgroup_actuator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/fake_cgroupfs.h"

namespace ballast::actuate {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kMiB = 1 << 20;

class CgroupActuatorTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  // Also plays a restart after a crash: nothing is released.
  void Start(const char* shared_pool = "", double cpu_burst = 0) {
    auto made = CgroupActuator::Make(
        {.roots = {.unified = Root("unified"), .cpu = Root("cpu"), .memory = Root("memory")},
         .prefixes = {"/agents"},
         .journal_path = Root("journal"),
         .shared_pool = shared_pool,
         .cpu_burst = cpu_burst},
        clock_);
    ASSERT_TRUE(made) << made.error().ToString();
    actuator_ = std::make_unique<CgroupActuator>(std::move(*made));
  }
  std::string Root(const char* name) { return (tree_.root() / name).string(); }

  Group V2(const char* path = "agents/a") {
    const std::string directory = std::string("unified/") + path;
    tree_.Group(directory, {{"cpu.max", "max 100000"},
                            {"cpu.weight", "100"},
                            {"memory.high", "max"},
                            {"memory.max", "max"},
                            {"memory.current", "1048576"}});
    return {{tree_.Inode(directory), 0}, std::string("/") + path};
  }
  Group V1(const char* path = "agents/a") {
    const std::string cpu = std::string("cpu/") + path;
    tree_.Group(
        cpu, {{"cpu.cfs_quota_us", "-1"}, {"cpu.cfs_period_us", "100000"}, {"cpu.shares", "1024"}});
    tree_.Group(std::string("memory/") + path,
                {{"memory.limit_in_bytes", "9223372036854771712"},
                 {"memory.memsw.limit_in_bytes", "9223372036854771712"},
                 {"memory.usage_in_bytes", "1048576"},
                 {"memory.oom_control", "oom_kill_disable 0\nunder_oom 0"}});
    return {{tree_.Inode(cpu), 4}, std::string("/") + path};
  }
  Group Adopted(const Group& group) {
    const auto adoptions = actuator_->Adopt({group});
    EXPECT_FALSE(adoptions[0].error) << adoptions[0].error->ToString();
    return group;
  }

  test::FakeCgroupfs tree_;
  ManualClock clock_;
  std::unique_ptr<CgroupActuator> actuator_;
};

TEST_F(CgroupActuatorTest, WritesV2FilesAndReadsThemBack) {
  const Group group = Adopted(V2());
  clock_.Advance(std::chrono::seconds(7));

  const Actuation cpu = actuator_->Set(group, Resource::kCpu, 1500);
  const Actuation memory = actuator_->Set(group, Resource::kMemory, 64 * kMiB);
  const Actuation weight = actuator_->Set(group, Resource::kCpuWeight, 2000);

  EXPECT_EQ(cpu.outcome, Outcome::kApplied) << cpu.error;
  EXPECT_EQ(cpu.before, "max 100000");
  EXPECT_EQ(cpu.after, "150000 100000");
  EXPECT_EQ(cpu.in_force, 1500);
  EXPECT_EQ(cpu.written_at, std::chrono::seconds(7));
  EXPECT_EQ(memory.in_force, 64 * kMiB);
  EXPECT_EQ(tree_.Read("unified/agents/a", "memory.high"), std::to_string(64 * kMiB));
  EXPECT_EQ(tree_.Read("unified/agents/a", "memory.max"), "max");
  EXPECT_EQ(weight.after, "200");
}

TEST_F(CgroupActuatorTest, WritesV1Files) {
  const Group group = Adopted(V1());

  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 250).after, "25000");
  EXPECT_EQ(actuator_->Set(group, Resource::kMemory, 64 * kMiB).outcome, Outcome::kApplied);
  EXPECT_EQ(tree_.Read("memory/agents/a", "memory.limit_in_bytes"), std::to_string(64 * kMiB));
  EXPECT_EQ(actuator_->Set(group, Resource::kCpuWeight, 500).after, "512");
}

TEST_F(CgroupActuatorTest, V1QuotaFollowsThePeriodThatIsSet) {
  const Group group = V1();
  tree_.Write("cpu/agents/a", {"cpu.cfs_period_us", "50000"});
  Adopted(group);

  const Actuation done = actuator_->Set(group, Resource::kCpu, 250);

  EXPECT_EQ(done.after, "12500");
  EXPECT_EQ(done.in_force, 250);
}

TEST_F(CgroupActuatorTest, V1SwapLimitIsRaisedBeforeTheMemoryLimit) {
  const Group group = V1();
  tree_.Write("memory/agents/a", {"memory.limit_in_bytes", "16777216"});
  tree_.Write("memory/agents/a", {"memory.memsw.limit_in_bytes", "16777216"});
  Adopted(group);

  actuator_->Set(group, Resource::kMemory, 64 * kMiB);

  EXPECT_EQ(tree_.Read("memory/agents/a", "memory.memsw.limit_in_bytes"),
            std::to_string(64 * kMiB));
}

TEST_F(CgroupActuatorTest, V1SwapAllowanceStaysWhatItWas) {
  const Group group = V1();
  tree_.Write("memory/agents/a", {"memory.limit_in_bytes", "16777216"});
  tree_.Write("memory/agents/a", {"memory.memsw.limit_in_bytes", "33554432"});
  tree_.Write("memory/agents/a", {"memory.memsw.usage_in_bytes", "1048576"});
  Adopted(group);

  actuator_->Set(group, Resource::kMemory, 64 * kMiB);
  EXPECT_EQ(tree_.Read("memory/agents/a", "memory.memsw.limit_in_bytes"),
            std::to_string(80 * kMiB));
  actuator_->Set(group, Resource::kMemory, 8 * kMiB);

  EXPECT_EQ(tree_.Read("memory/agents/a", "memory.memsw.limit_in_bytes"),
            std::to_string(24 * kMiB));
}

TEST_F(CgroupActuatorTest, V1SwapThatIsUsedKeepsItsLimit) {
  const Group group = V1();
  tree_.Write("memory/agents/a", {"memory.limit_in_bytes", "16777216"});
  tree_.Write("memory/agents/a", {"memory.memsw.limit_in_bytes", "33554432"});
  tree_.Write("memory/agents/a", {"memory.memsw.usage_in_bytes", "30000000"});
  Adopted(group);

  const Actuation done = actuator_->Set(group, Resource::kMemory, 4 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kApplied) << done.error;
  EXPECT_EQ(tree_.Read("memory/agents/a", "memory.memsw.limit_in_bytes"), "33554432");
}

TEST_F(CgroupActuatorTest, ABurstAboveTheNewQuotaIsLoweredEvenWhereNoneIsGiven) {
  const Group group = V2();
  tree_.Write("unified/agents/a", {"cpu.max.burst", "80000"});
  Adopted(group);

  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 1500).outcome, Outcome::kApplied);
  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max.burst"), "80000");
  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 500).outcome, Outcome::kApplied);

  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max.burst"), "0");
}

TEST_F(CgroupActuatorTest, TheBurstIsItsShareOfTheQuota) {
  Start("", 0.5);
  const Group group = V2();
  tree_.Write("unified/agents/a", {"cpu.max.burst", "0"});
  Adopted(group);

  actuator_->Set(group, Resource::kCpu, 1500);

  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max.burst"), "75000");
}

TEST_F(CgroupActuatorTest, OnlyTheGroupThatWasNamedIsAPool) {
  const Group group = Adopted(V2());

  EXPECT_EQ(actuator_->Set(group, Resource::kMemoryPool, 64 * kMiB).outcome, Outcome::kRefused);
}

TEST_F(CgroupActuatorTest, ThePoolStaysBelowWhatItsOwnerGave) {
  Start("/agents");
  V2("agents");
  tree_.Write("unified/agents", {"memory.max", "134217728"});
  const Group pool{{}, "/agents"};
  EXPECT_EQ(actuator_->Adopt({pool})[0].original_memory, 128 * kMiB);

  const Actuation done = actuator_->Set(pool, Resource::kMemoryPool, 512 * kMiB);

  EXPECT_EQ(done.in_force, 128 * kMiB);
  EXPECT_EQ(tree_.Read("unified/agents", "memory.max"), "134217728");
  EXPECT_EQ(tree_.Read("unified/agents", "cpu.max"), "max 100000");
}

TEST_F(CgroupActuatorTest, AnotherWritersLimitOfThePoolIsTheNewCeiling) {
  Start("/agents");
  V2("agents");
  const Group pool{{}, "/agents"};
  actuator_->Adopt({pool});
  actuator_->Set(pool, Resource::kMemoryPool, 64 * kMiB);
  tree_.Write("unified/agents", {"memory.high", "33554432"});

  EXPECT_EQ(actuator_->Set(pool, Resource::kMemoryPool, 96 * kMiB).outcome, Outcome::kForeign);

  EXPECT_EQ(actuator_->Adopt({pool})[0].original_memory, 32 * kMiB);
}

TEST_F(CgroupActuatorTest, AV1ParentThatDoesNotCountItsChildrenIsNoPool) {
  Start("/agents");
  V1("agents");
  tree_.Write("memory/agents", {"memory.use_hierarchy", "0"});

  const auto adoptions = actuator_->Adopt({{{}, "/agents"}});

  ASSERT_TRUE(adoptions[0].error);
  EXPECT_THAT(adoptions[0].error->ToString(), HasSubstr("use_hierarchy"));
}

TEST_F(CgroupActuatorTest, APoolThatIsNoneAnyMoreIsPutBack) {
  Start("/agents");
  V2("agents");
  const Group pool{{}, "/agents"};
  actuator_->Adopt({pool});
  actuator_->Set(pool, Resource::kMemoryPool, 64 * kMiB);

  ASSERT_TRUE(actuator_->Narrow({"/agents"}, ""));

  EXPECT_EQ(tree_.Read("unified/agents", "memory.high"), "max");
}

TEST_F(CgroupActuatorTest, V1GroupWaitsAtItsLimitWhenToldTo) {
  const Group group = Adopted(V1());

  EXPECT_EQ(actuator_->Set(group, Resource::kMemoryWait, 1).outcome, Outcome::kApplied);
  EXPECT_EQ(tree_.Read("memory/agents/a", "memory.oom_control"), "1");
}

TEST_F(CgroupActuatorTest, V2MaximumIsKeptAwayFromTheHighMark) {
  const Group group = V2();
  tree_.Write("unified/agents/a", {"memory.max", "33554432"});
  Adopted(group);

  actuator_->Set(group, Resource::kMemory, 64 * kMiB);

  EXPECT_EQ(tree_.Read("unified/agents/a", "memory.max"), std::to_string(128 * kMiB));
}

TEST_F(CgroupActuatorTest, AValueThatStandsAlreadyIsNotWritten) {
  const Group group = Adopted(V2());
  actuator_->Set(group, Resource::kCpu, 1500);

  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 1500).outcome, Outcome::kUnchanged);
}

TEST_F(CgroupActuatorTest, AnotherWriterIsNoticedAndLeftAlone) {
  const Group group = Adopted(V2());
  actuator_->Set(group, Resource::kCpu, 1500);
  tree_.Write("unified/agents/a", {"cpu.max", "70000 100000"});

  const Actuation done = actuator_->Set(group, Resource::kCpu, 1000);

  EXPECT_EQ(done.outcome, Outcome::kForeign);
  EXPECT_EQ(done.in_force, 700);
  EXPECT_THAT(done.error, HasSubstr("from '150000 100000' to '70000 100000'"));
  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "70000 100000");
}

TEST_F(CgroupActuatorTest, TheOtherWritersValueIsWhatAReleasePutsBack) {
  const Group group = Adopted(V2());
  actuator_->Set(group, Resource::kCpu, 1500);
  tree_.Write("unified/agents/a", {"cpu.max", "70000 100000"});
  actuator_->Set(group, Resource::kCpu, 1000);
  actuator_->Set(group, Resource::kCpu, 1000);
  ASSERT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "100000 100000");

  ASSERT_TRUE(actuator_->ReleaseAll());

  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "70000 100000");
}

// On cgroup2 the files of both controllers lie in one directory.
TEST_F(CgroupActuatorTest, V2CpuAndMemoryBothComeBack) {
  const Group group = Adopted(V2());
  actuator_->Set(group, Resource::kCpu, 1500);
  actuator_->Set(group, Resource::kMemory, 64 * kMiB);

  const auto released = actuator_->ReleaseAll();

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_TRUE(released->failures.empty());
  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "max 100000");
  EXPECT_EQ(tree_.Read("unified/agents/a", "memory.high"), "max");
  EXPECT_EQ(tree_.Read("unified/agents/a", "memory.max"), "max");
}

TEST_F(CgroupActuatorTest, GroupsBelowNoPrefixAreNeverAdopted) {
  const Group group = V2("system.slice/ssh.service");

  const auto adoptions = actuator_->Adopt({group});

  ASSERT_TRUE(adoptions[0].error);
  EXPECT_THAT(adoptions[0].error->ToString(), HasSubstr("below no configured prefix"));
  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 1500).outcome, Outcome::kRefused);
  EXPECT_EQ(tree_.Read("unified/system.slice/ssh.service", "cpu.max"), "max 100000");
}

TEST_F(CgroupActuatorTest, AnotherCgroupUnderTheSamePathIsNotAdopted) {
  Group group = V2();
  group.key.cgroup_id += 1;

  const auto adoptions = actuator_->Adopt({group});

  ASSERT_TRUE(adoptions[0].error);
  EXPECT_THAT(adoptions[0].error->ToString(), HasSubstr("another cgroup"));
}

TEST_F(CgroupActuatorTest, ACgroupThatVanishesAfterAdoptionIsGoneEvenIfMadeAnew) {
  const Group group = Adopted(V2());
  tree_.Remove("unified/agents/a");
  V2();

  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 1500).outcome, Outcome::kGone);
  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "max 100000");
}

TEST_F(CgroupActuatorTest, ARefusedWriteChangesNothingAndSaysWhy) {
  const Group group = V2();
  tree_.RefuseWrites("unified/agents/a", "cpu.weight");
  Adopted(group);

  const Actuation done = actuator_->Set(group, Resource::kCpuWeight, 2000);

  EXPECT_EQ(done.outcome, Outcome::kRefused);
  EXPECT_THAT(done.error, HasSubstr("cpu.weight"));
}

TEST_F(CgroupActuatorTest, AMemoryLimitBelowUseIsRefusedUnwritten) {
  struct Row {
    const char* name;
    Group group;
    const char* usage_folder;
    const char* usage_file;
    const char* file;
  };
  for (const Row& row :
       {Row{"v1", V1("agents/one"), "memory/agents/one", "memory.usage_in_bytes",
            "memory.limit_in_bytes"},
        Row{"v2", V2("agents/two"), "unified/agents/two", "memory.current", "memory.high"}}) {
    Adopted(row.group);
    const std::string before = tree_.Read(row.usage_folder, row.file);
    tree_.Write(row.usage_folder, {row.usage_file, "99999999"});

    EXPECT_EQ(actuator_->Set(row.group, Resource::kMemory, 64 * kMiB).outcome, Outcome::kRefused)
        << row.name;
    EXPECT_EQ(tree_.Read(row.usage_folder, row.file), before) << row.name;
  }
}

TEST_F(CgroupActuatorTest, NothingIsWrittenWithoutAJournal) {
  const Group group = V2();
  std::filesystem::create_directories(Root("journal"));  // a folder cannot be replaced by a file

  const auto adoptions = actuator_->Adopt({group});

  EXPECT_TRUE(adoptions[0].error);
  EXPECT_EQ(actuator_->Set(group, Resource::kCpu, 1500).outcome, Outcome::kRefused);
}

TEST_F(CgroupActuatorTest, AKillAfterTheJournalAndBeforeTheWriteLosesNothing) {
  Adopted(V2());
  actuator_.reset();

  const auto released = ReleaseFile(Root("journal"));

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_EQ(released->restored, 0);
  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "max 100000");
}

TEST_F(CgroupActuatorTest, AKillAfterTheWriteIsPutBackByRelease) {
  const Group v2 = Adopted(V2());
  const Group v1 = Adopted(V1("agents/b"));
  actuator_->Set(v2, Resource::kCpu, 1500);
  actuator_->Set(v1, Resource::kMemory, 64 * kMiB);
  actuator_->Set(v1, Resource::kMemoryWait, 1);
  actuator_.reset();

  const auto released = ReleaseFile(Root("journal"));

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "max 100000");
  EXPECT_EQ(tree_.Read("memory/agents/b", "memory.limit_in_bytes"), "9223372036854771712");
  EXPECT_EQ(tree_.Read("memory/agents/b", "memory.oom_control"), "0");
  EXPECT_FALSE(std::filesystem::exists(Root("journal")));
}

TEST_F(CgroupActuatorTest, ASecondRunKeepsTheTrueOriginals) {
  const Group group = Adopted(V2());
  actuator_->Set(group, Resource::kCpu, 1500);
  Start();
  Adopted(group);
  actuator_->Set(group, Resource::kCpu, 700);

  ASSERT_TRUE(actuator_->ReleaseAll());

  EXPECT_EQ(tree_.Read("unified/agents/a", "cpu.max"), "max 100000");
}

TEST_F(CgroupActuatorTest, NarrowingPutsBackWhatMayNotBeWrittenAnyMore) {
  const Group kept = Adopted(V2("agents/kept"));
  const Group dropped = Adopted(V2("agents/old/dropped"));
  actuator_->Set(kept, Resource::kCpu, 500);
  actuator_->Set(dropped, Resource::kCpu, 500);

  const auto released = actuator_->Narrow({"/agents/kept"});

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_EQ(tree_.Read("unified/agents/old/dropped", "cpu.max"), "max 100000");
  EXPECT_EQ(tree_.Read("unified/agents/kept", "cpu.max"), "50000 100000");
  EXPECT_EQ(actuator_->Set(dropped, Resource::kCpu, 400).outcome, Outcome::kRefused);
  EXPECT_EQ(actuator_->Set(kept, Resource::kCpu, 400).outcome, Outcome::kApplied);
  const auto journal = LoadJournal(Root("journal"));
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->groups.size(), 1U);
}

TEST_F(CgroupActuatorTest, WhatIsLeftAloneFromNowOnIsPutBack) {
  const Group kept = Adopted(V2("agents/kept"));
  const Group observed = Adopted(V2("agents/observed/a"));
  const Group loud = Adopted(V2("agents/observed/loud/a"));
  for (const Group& group : {kept, observed, loud}) actuator_->Set(group, Resource::kCpu, 500);

  ASSERT_TRUE(actuator_->Narrow({"/agents", "/agents/observed/loud"}, "", {"/agents/observed"}));

  EXPECT_EQ(tree_.Read("unified/agents/observed/a", "cpu.max"), "max 100000");
  EXPECT_EQ(tree_.Read("unified/agents/observed/loud/a", "cpu.max"), "50000 100000");
  EXPECT_EQ(actuator_->Set(observed, Resource::kCpu, 400).outcome, Outcome::kRefused);
  EXPECT_EQ(actuator_->Set(kept, Resource::kCpu, 400).outcome, Outcome::kApplied);
}

}  // namespace
}  // namespace ballast::actuate

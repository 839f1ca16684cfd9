#include "autoscaler/actuate/unit_owner.h"

#include <gtest/gtest.h>

#include <memory>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "tests/support/fake_cgroupfs.h"
#include "tests/support/fake_systemd.h"

namespace ballast::actuate {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr const char* kUnit = "docker-1.scope";
constexpr const char* kDirectory = "unified/agents/docker-1.scope";

class UnitOwnerTest : public ::testing::Test {
 protected:
  void Start(const std::string& control_group = "/agents/docker-1.scope") {
    systemd_ = std::make_unique<test::FakeSystemd>(
        std::map<std::string, std::string>{{kUnit, control_group}});
    tree_.Group(kDirectory, {{"cpu.max", "max 100000"},
                             {"cpu.weight", "100"},
                             {"memory.high", "max"},
                             {"memory.max", "max"},
                             {"memory.current", "1048576"}});
    group_ = {{tree_.Inode(kDirectory), 0}, "/agents/docker-1.scope"};
    auto made = CgroupActuator::Make(
        {.roots = {.unified = (tree_.root() / "unified").string(), .cpu = "", .memory = ""},
         .prefixes = {"/agents"},
         .journal_path = journal(),
         .bus = systemd_->address()},
        clock_);
    actuator_ = std::make_unique<CgroupActuator>(std::move(*made));
    const auto adoptions = actuator_->Adopt({group_});
    EXPECT_FALSE(adoptions[0].error) << adoptions[0].error->ToString();
  }
  std::string journal() const { return (tree_.root() / "journal").string(); }

  test::FakeCgroupfs tree_;
  ManualClock clock_;
  Group group_;
  std::unique_ptr<test::FakeSystemd> systemd_;
  std::unique_ptr<CgroupActuator> actuator_;
};

TEST_F(UnitOwnerTest, SystemdIsToldWhatStandsInTheFiles) {
  Start();

  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 1500).outcome, Outcome::kApplied);
  EXPECT_EQ(actuator_->Set(group_, Resource::kMemory, 64 * kMiB).outcome, Outcome::kApplied);
  EXPECT_EQ(actuator_->Set(group_, Resource::kCpuWeight, 2000).outcome, Outcome::kApplied);

  EXPECT_EQ(actuator_->OwnerOf(group_), "systemd");
  EXPECT_EQ(tree_.Read(kDirectory, "cpu.max"), "150000 100000");
  EXPECT_EQ(systemd_->Told(kUnit, "CPUQuotaPerSecUSec"), 1'500'000U);
  EXPECT_EQ(systemd_->Told(kUnit, "MemoryHigh"), static_cast<std::uint64_t>(64 * kMiB));
  EXPECT_EQ(systemd_->Told(kUnit, "CPUWeight"), 200U);
  EXPECT_TRUE(systemd_->all_runtime());
}

TEST_F(UnitOwnerTest, AGroupThatOnlyLooksLikeTheUnitIsWrittenAsAFile) {
  Start("/user.slice/docker-1.scope");

  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 1500).outcome, Outcome::kApplied);

  EXPECT_EQ(actuator_->OwnerOf(group_), "cgroup");
  EXPECT_EQ(systemd_->Told(kUnit, "CPUQuotaPerSecUSec"), std::nullopt);
}

TEST_F(UnitOwnerTest, ReleaseTellsSystemdTheOriginalsAfterAKill) {
  Start();
  actuator_->Set(group_, Resource::kCpu, 1500);
  actuator_->Set(group_, Resource::kMemory, 64 * kMiB);
  actuator_.reset();

  const auto released = ReleaseFile(journal());

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_EQ(tree_.Read(kDirectory, "cpu.max"), "max 100000");
  EXPECT_EQ(systemd_->Told(kUnit, "CPUQuotaPerSecUSec"), runtime::kNoUnitLimit);
  EXPECT_EQ(systemd_->Told(kUnit, "MemoryHigh"), runtime::kNoUnitLimit);
}

TEST_F(UnitOwnerTest, AnotherWriterIsLeftAloneAndSystemdIsNotTold) {
  Start();
  actuator_->Set(group_, Resource::kMemory, 64 * kMiB);
  tree_.Write(kDirectory, {"memory.high", "33554432"});  // systemctl set-property

  EXPECT_EQ(actuator_->Set(group_, Resource::kMemory, 96 * kMiB).outcome, Outcome::kForeign);

  EXPECT_EQ(systemd_->Told(kUnit, "MemoryHigh"), static_cast<std::uint64_t>(64 * kMiB));
}

// The limit matters more than who knows of it.
TEST_F(UnitOwnerTest, WhereSystemdDoesNotAnswerTheFileIsWrittenAllTheSame) {
  Start();
  systemd_->StopServing();

  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 1500).outcome, Outcome::kApplied);
  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 700).outcome, Outcome::kApplied);

  EXPECT_EQ(tree_.Read(kDirectory, "cpu.max"), "70000 100000");
}

TEST_F(UnitOwnerTest, TheUnitSurvivesTheJournal) {
  const Journal journal{"boot", {{7, "/cg/a", {{"cpu.max", "max"}}, "a.scope", "unix:path=/x y"}}};

  const auto read = ParseJournal(FormatJournal(journal));

  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(*read, journal);
}

}  // namespace
}  // namespace ballast::actuate

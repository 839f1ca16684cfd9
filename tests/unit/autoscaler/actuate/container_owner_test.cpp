#include "autoscaler/actuate/container_owner.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "tests/support/fake_cgroupfs.h"
#include "tests/support/unix_server.h"

namespace ballast::actuate {
namespace {

using namespace std::chrono_literals;

const std::string kId(64, 'a');

TEST(ContainerIdTest, IsWhatRuntimesPutIntoThePath) {
  EXPECT_EQ(ContainerIdOf("/docker/" + kId), kId);
  EXPECT_EQ(ContainerIdOf("/system.slice/docker-" + kId + ".scope"), kId);
  EXPECT_EQ(ContainerIdOf("/machine.slice/libpod-" + kId + ".scope"), kId);
  EXPECT_EQ(ContainerIdOf("/docker/short"), "");
  EXPECT_EQ(ContainerIdOf("/docker/b" + kId), "");
}

class ContainerOwnerTest : public ::testing::Test {
 protected:
  ContainerOwnerTest()
      : docker_([this](const std::string& asked) {
          const std::scoped_lock lock(mutex_);
          asked_.push_back(asked);
          if (!answers_) return std::string("HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno");
          // As runc does on an update: it also writes what it thinks belongs to it.
          if (writes_) tree_.Write(directory_, {"cpu.weight", "79"});
          return std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }) {
    tree_.Group(directory_, {{"cpu.max", "max 100000"},
                             {"cpu.weight", "100"},
                             {"memory.high", "max"},
                             {"memory.max", "134217728"},
                             {"memory.swap.max", "0"},
                             {"memory.current", "1048576"}});
    group_ = {{tree_.Inode(directory_), 0}, "/agents/" + kId};
    auto made = CgroupActuator::Make(
        {.roots = {.unified = (tree_.root() / "unified").string(), .cpu = "", .memory = ""},
         .prefixes = {"/agents"},
         .journal_path = journal(),
         .tell_systemd = false,
         .runtime_sockets = {docker_.path()}},
        clock_);
    actuator_ = std::make_unique<CgroupActuator>(std::move(*made));
    EXPECT_FALSE(actuator_->Adopt({group_})[0].error);
  }
  std::string journal() const { return (tree_.root() / "journal").string(); }
  std::vector<std::string> Asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  test::FakeCgroupfs tree_;
  std::string directory_ = "unified/agents/" + kId;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  bool answers_ = true;
  bool writes_ = false;
  test::UnixServer docker_;
  ManualClock clock_;
  Group group_;
  std::unique_ptr<CgroupActuator> actuator_;
};

TEST_F(ContainerOwnerTest, TheRuntimeIsToldWhenLimitsHaveComeToRest) {
  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 1500).outcome, Outcome::kApplied);
  actuator_->Rest(clock_.Now() + 1s);
  EXPECT_TRUE(Asked().empty());

  actuator_->Rest(clock_.Now() + 3s);
  actuator_->Rest(clock_.Now() + 4s);

  ASSERT_EQ(Asked().size(), 1U);
  EXPECT_NE(Asked()[0].find("POST /containers/" + kId + "/update"), std::string::npos);
  EXPECT_NE(Asked()[0].find("\"CpuQuota\":150000,\"CpuPeriod\":100000,\"Memory\":134217728,"
                            "\"MemorySwap\":134217728"),
            std::string::npos)
      << Asked()[0];
  EXPECT_EQ(actuator_->OwnerOf(group_), "container runtime");
}

TEST_F(ContainerOwnerTest, WhatTheRuntimeWritesOnTheWayIsNoOtherWriters) {
  writes_ = true;
  actuator_->Set(group_, Resource::kCpu, 1500);
  actuator_->Rest(clock_.Now() + 3s);

  EXPECT_EQ(tree_.Read(directory_, "cpu.weight"), "100");
  EXPECT_EQ(actuator_->Set(group_, Resource::kCpuWeight, 2000).outcome, Outcome::kApplied);
}

TEST_F(ContainerOwnerTest, ARuntimeThatRefusesIsAskedAgainMuchLater) {
  answers_ = false;
  actuator_->Set(group_, Resource::kCpu, 1500);
  for (int i = 3; i < 30; ++i) actuator_->Rest(clock_.Now() + std::chrono::seconds(i));
  EXPECT_EQ(Asked().size(), 1U);

  actuator_->Rest(clock_.Now() + 60s);

  EXPECT_EQ(Asked().size(), 2U);
  EXPECT_EQ(tree_.Read(directory_, "cpu.max"), "150000 100000");
}

TEST_F(ContainerOwnerTest, ReleaseTellsTheRuntimeTheOriginals) {
  actuator_->Set(group_, Resource::kCpu, 1500);
  actuator_.reset();

  const auto released = ReleaseFile(journal());

  ASSERT_TRUE(released);
  EXPECT_EQ(tree_.Read(directory_, "cpu.max"), "max 100000");
  ASSERT_EQ(Asked().size(), 1U);
  EXPECT_NE(Asked()[0].find("\"CpuQuota\":-1"), std::string::npos) << Asked()[0];
}

}  // namespace
}  // namespace ballast::actuate

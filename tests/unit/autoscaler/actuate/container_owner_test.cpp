#include "autoscaler/actuate/container_owner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>

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
          if (hangs_) return std::string();
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
  // The daemon is asked by another thread; what came of it is taken by a later Rest().
  std::vector<std::string> RestUntilTold(BootTime now) {
    const std::size_t before = Asked().size();
    std::vector<std::string> said = actuator_->Rest(now);
    for (int i = 0; i < 2000 && Asked().size() == before; ++i) {
      std::ranges::copy(actuator_->Rest(now), std::back_inserter(said));
      std::this_thread::sleep_for(1ms);
    }
    for (int i = 0; i < 50; ++i) {
      std::ranges::copy(actuator_->Rest(now), std::back_inserter(said));
      std::this_thread::sleep_for(1ms);
    }
    return said;
  }
  std::vector<std::string> Asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  test::FakeCgroupfs tree_;
  std::string directory_ = "unified/agents/" + kId;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  bool answers_ = true;
  bool hangs_ = false;
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

  RestUntilTold(clock_.Now() + 3s);
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
  RestUntilTold(clock_.Now() + 3s);

  EXPECT_EQ(tree_.Read(directory_, "cpu.weight"), "100");
  EXPECT_EQ(actuator_->Set(group_, Resource::kCpuWeight, 2000).outcome, Outcome::kApplied);
}

TEST_F(ContainerOwnerTest, ARuntimeThatRefusesIsAskedAgainMuchLater) {
  answers_ = false;
  actuator_->Set(group_, Resource::kCpu, 1500);
  RestUntilTold(clock_.Now() + 3s);
  for (int i = 4; i < 30; ++i) actuator_->Rest(clock_.Now() + std::chrono::seconds(i));
  EXPECT_EQ(Asked().size(), 1U);

  RestUntilTold(clock_.Now() + 60s);

  EXPECT_EQ(Asked().size(), 2U);
  EXPECT_EQ(tree_.Read(directory_, "cpu.max"), "150000 100000");
}

// Its answer may come half a minute late, and what it was told with it.
TEST_F(ContainerOwnerTest, WhatTheRuntimeWasToldEarlierIsNoOtherWriters) {
  actuator_->Set(group_, Resource::kCpu, 1500);
  RestUntilTold(clock_.Now() + 3s);
  actuator_->Set(group_, Resource::kCpu, 800);
  tree_.Write(directory_, {"cpu.max", "150000 100000"});

  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 700).outcome, Outcome::kApplied);

  tree_.Write(directory_, {"cpu.max", "10000 100000"});
  EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 600).outcome, Outcome::kForeign);
}

TEST_F(ContainerOwnerTest, ADaemonThatHangsDelaysNothingAndIsSaidOnce) {
  hangs_ = true;
  actuator_->Set(group_, Resource::kCpu, 1500);
  actuator_->Rest(clock_.Now() + 3s);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::string> said;
  for (int i = 0; i < 120; ++i) {
    std::ranges::copy(actuator_->Rest(clock_.Now() + 4s), std::back_inserter(said));
    EXPECT_EQ(actuator_->Set(group_, Resource::kCpu, 1000 + i).outcome, Outcome::kApplied);
    std::this_thread::sleep_for(10ms);
  }
  // Far less than the second that the daemon is given, beside the sleeps themselves.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1200ms + 700ms);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("no container runtime answers"), std::string::npos) << said[0];
  hangs_ = false;

  const auto later = RestUntilTold(clock_.Now() + 60s);

  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0], "the container runtime answers again");
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

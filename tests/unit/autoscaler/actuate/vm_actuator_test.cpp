#include "autoscaler/actuate/vm_actuator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/support/fake_cgroupfs.h"
#include "tests/support/unix_server.h"

namespace ballast::actuate {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kMiB = 1 << 20;

// A QEMU that does what it is told, whose guest gives back a memory at once.
struct FakeQemu {
  std::int64_t balloon = 512 * kMiB;
  std::int64_t guest_used = 100 * kMiB;
  std::int64_t drive_bps = 0;
  bool tells = true;

  std::string Answer(const std::string& asked) {
    const auto is = [&](const char* command) { return asked.find(command) != std::string::npos; };
    const auto number = [&](const char* key) {
      const std::size_t at = asked.find(key);
      return std::strtoll(asked.c_str() + at + std::string(key).size(), nullptr, 10);
    };
    std::string result = "{}";
    if (is("query-memory-size-summary")) result = "{\"base-memory\":536870912}";
    if (is("query-balloon")) result = fmt::format("{{\"actual\":{}}}", balloon);
    if (is("\"balloon\"")) balloon = number("\"value\":");
    if (is("qom-list")) result = "[{\"name\":\"b0\",\"type\":\"child<virtio-balloon-pci>\"}]";
    if (is("qom-get"))
      result = fmt::format("{{\"stats\":{{\"stat-available-memory\":{}}},\"last-update\":{}}}",
                           balloon - guest_used, tells ? 1 : 0);
    if (is("query-block"))
      result = fmt::format("[{{\"device\":\"disk0\",\"inserted\":{{\"bps\":{}}}}}]", drive_bps);
    if (is("block_set_io_throttle")) drive_bps = number("\"bps\":");
    if (is("query-hotpluggable-cpus"))
      result = "[{\"vcpus-count\":1,\"qom-path\":\"/machine/unattached/device[0]\"}]";
    return "{\"return\": " + result + "}\r\n";
  }
};

class VmActuatorTest : public ::testing::Test {
 protected:
  VmActuatorTest()
      : server_([this](const std::string& asked) { return qemu_.Answer(asked); },
                "{\"QMP\": {\"version\": {}}}\r\n", true) {
    const std::string directory = "unified/machine/guest";
    tree_.Group(directory, {{"cpu.max", "max 100000"},
                            {"cpu.weight", "100"},
                            {"memory.high", "max"},
                            {"memory.max", "max"},
                            {"memory.current", "1048576"}});
    tree_.Group("proc/" + std::to_string(::getpid()), {{"cgroup", "0::/machine/guest/vcpu0"}});
    group_ = {{tree_.Inode(directory), 0}, "/machine/guest"};
    Start();
  }
  // Also plays a restart after a crash.
  void Start() {
    auto made =
        CgroupActuator::Make({.roots = {.unified = Root("unified"), .cpu = "", .memory = ""},
                              .prefixes = {"/machine"},
                              .journal_path = Root("journal")},
                             clock_);
    files_ = std::make_unique<CgroupActuator>(std::move(*made));
    vms_ = std::make_unique<VmActuator>(
        VmActuatorOptions{.qmp_sockets = {server_.path()}, .proc = Root("proc")}, *files_, clock_);
    const auto adoptions = vms_->Adopt({group_});
    EXPECT_FALSE(adoptions[0].error) << adoptions[0].error->ToString();
  }
  std::string Root(const char* name) { return (tree_.root() / name).string(); }

  test::FakeCgroupfs tree_;
  FakeQemu qemu_;
  test::UnixServer server_;
  ManualClock clock_;
  Group group_;
  std::unique_ptr<CgroupActuator> files_;
  std::unique_ptr<VmActuator> vms_;
};

TEST_F(VmActuatorTest, MemoryIsTheBalloonAndNoFile) {
  const Actuation done = vms_->Set(group_, Resource::kMemory, 256 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kApplied) << done.error;
  EXPECT_EQ(qemu_.balloon, 256 * kMiB);
  EXPECT_EQ(vms_->OwnerOf(group_), "qmp");
  EXPECT_EQ(tree_.Read("unified/machine/guest", "memory.high"), "max");
}

TEST_F(VmActuatorTest, WhatTheGuestNeedsIsNeverTaken) {
  const Actuation done = vms_->Set(group_, Resource::kMemory, 105 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kRefused);
  EXPECT_EQ(qemu_.balloon, 512 * kMiB);
}

TEST_F(VmActuatorTest, AGuestThatTellsNothingKeepsItsMemory) {
  qemu_.tells = false;

  const Actuation done = vms_->Set(group_, Resource::kMemory, 256 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kRefused);
  EXPECT_THAT(done.error, HasSubstr("does not tell"));
}

TEST_F(VmActuatorTest, MoreThanItWasStartedWithIsAllOfIt) {
  vms_->Set(group_, Resource::kMemory, 256 * kMiB);

  EXPECT_EQ(vms_->Set(group_, Resource::kMemory, 4096 * kMiB).in_force, 512 * kMiB);
}

TEST_F(VmActuatorTest, AnotherWritersBalloonIsLeftAlone) {
  vms_->Set(group_, Resource::kMemory, 256 * kMiB);
  qemu_.balloon = 300 * kMiB;

  const Actuation done = vms_->Set(group_, Resource::kMemory, 200 * kMiB);

  EXPECT_EQ(done.outcome, Outcome::kForeign);
  EXPECT_EQ(qemu_.balloon, 300 * kMiB);
  ASSERT_TRUE(files_->ReleaseAll());
  EXPECT_EQ(qemu_.balloon, 300 * kMiB);  // theirs is the original from then on
}

TEST_F(VmActuatorTest, CpuIsTheQuotaOfTheGroup) {
  EXPECT_EQ(vms_->Set(group_, Resource::kCpu, 700).outcome, Outcome::kApplied);

  EXPECT_EQ(tree_.Read("unified/machine/guest", "cpu.max"), "70000 100000");
}

TEST_F(VmActuatorTest, DisksAreLimitedAndReadBack) {
  EXPECT_EQ(vms_->Set(group_, Resource::kIoBandwidth, 8 * kMiB).outcome, Outcome::kApplied);
  EXPECT_EQ(qemu_.drive_bps, 8 * kMiB);
  EXPECT_EQ(vms_->Set(group_, Resource::kIoBandwidth, 8 * kMiB).outcome, Outcome::kUnchanged);
  qemu_.drive_bps = 4 * kMiB;

  EXPECT_EQ(vms_->Set(group_, Resource::kIoBandwidth, 16 * kMiB).outcome, Outcome::kForeign);
}

TEST_F(VmActuatorTest, ReleasePutsBalloonAndDisksBackAfterAKill) {
  vms_->Set(group_, Resource::kMemory, 256 * kMiB);
  vms_->Set(group_, Resource::kIoBandwidth, 8 * kMiB);
  vms_.reset();
  files_.reset();

  const auto released = ReleaseFile(Root("journal"));

  ASSERT_TRUE(released);
  EXPECT_TRUE(released->failures.empty());
  EXPECT_EQ(qemu_.balloon, 512 * kMiB);
  EXPECT_EQ(qemu_.drive_bps, 0);
}

TEST_F(VmActuatorTest, OriginalsOfAnEarlierRunAreTheTrueOnes) {
  vms_->Set(group_, Resource::kMemory, 256 * kMiB);
  Start();
  vms_->Set(group_, Resource::kMemory, 200 * kMiB);

  ASSERT_TRUE(files_->ReleaseAll());

  EXPECT_EQ(qemu_.balloon, 512 * kMiB);
}

}  // namespace
}  // namespace ballast::actuate

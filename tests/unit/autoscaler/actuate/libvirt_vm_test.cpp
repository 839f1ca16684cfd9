// VMs that libvirt runs, resized through a connection that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "autoscaler/actuate/vm_actuator.h"
#include "collector/runtime/libvirt.h"
#include "tests/support/fake_cgroupfs.h"

namespace ballast::actuate {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::int64_t kMiB = 1 << 20;
constexpr const char* kPath = "/machine/qemu-3-guest.libvirt-qemu";

// A domain as libvirt has it. Side threads ask it, so it is locked.
struct FakeDomain {
  std::mutex mutex;
  std::int64_t balloon = 512 * kMiB;
  std::optional<std::int64_t> used = 100 * kMiB;
  std::int64_t reports = 0;
  std::int64_t quota_us = -1;
  std::int64_t shares = 1024;
  int vcpus = 1;
  std::int64_t disk_bps = 0;
  std::uint64_t id = 3;
  bool runs = true;
  bool balloon_follows = true;
  std::atomic<bool> hangs = false;
};

class FakePort final : public VmPort {
 public:
  explicit FakePort(std::shared_ptr<FakeDomain> domain) : domain_(std::move(domain)) {}

  Result<VmMemory> Memory() override {
    const std::lock_guard lock(domain_->mutex);
    return VmMemory{512 * kMiB, domain_->balloon,
                    domain_->reports == 0 ? std::nullopt : domain_->used};
  }
  Result<> SetMemory(std::int64_t bytes) override {
    return domain_->balloon_follows ? Change(domain_->balloon, bytes) : Ok();
  }
  Result<std::optional<std::int64_t>> ReportPeriod() override { return {domain_->reports}; }
  Result<> SetReportPeriod(std::int64_t seconds) override {
    return Change(domain_->reports, seconds);
  }
  Result<std::optional<VmCpu>> Cpu() override {
    const std::lock_guard lock(domain_->mutex);
    return {VmCpu{domain_->quota_us, 100'000, domain_->shares}};
  }
  Result<> SetQuota(std::int64_t us) override { return Change(domain_->quota_us, us); }
  Result<> SetShares(std::int64_t shares) override { return Change(domain_->shares, shares); }
  Result<runtime::QmpCpus> Vcpus() override { return runtime::QmpCpus{domain_->vcpus, 4}; }
  Result<> SetVcpus(int wanted) override { return Change(domain_->vcpus, wanted); }
  Result<std::vector<runtime::QmpDrive>> Drives() override {
    const std::lock_guard lock(domain_->mutex);
    return std::vector<runtime::QmpDrive>{{"vda", domain_->disk_bps}};
  }
  Result<> LimitDrive(const std::string&, std::int64_t bps) override {
    return Change(domain_->disk_bps, bps);
  }

 private:
  template <typename Value>
  Result<> Change(Value& member, Value value) {
    while (domain_->hangs) std::this_thread::sleep_for(1ms);
    const std::lock_guard lock(domain_->mutex);
    member = value;
    return Ok();
  }
  std::shared_ptr<FakeDomain> domain_;
};

class LibvirtVmTest : public ::testing::Test {
 protected:
  LibvirtVmTest() {
    tree_.Group(directory_, {{"cpu.max", "max 100000"},
                             {"memory.high", "max"},
                             {"memory.max", "max"},
                             {"memory.current", "1048576"}});
    group_ = {{tree_.Inode(directory_), 0}, kPath};
    Start();
  }
  ~LibvirtVmTest() override { domain_->hangs = false; }

  OpenVmPort Opener() {
    return [domain = domain_](const VmAddress& address) -> Result<std::unique_ptr<VmPort>> {
      if (!domain->runs || address.id != domain->id) return Error::FromErrno(ENOENT, "domain");
      return std::unique_ptr<VmPort>(std::make_unique<FakePort>(domain));
    };
  }
  // Also plays a restart after a crash.
  void Start(const std::string& address = "qemu:///system") {
    auto made = CgroupActuator::Make(
        {.roots = {.unified = (tree_.root() / "unified").string(), .cpu = "", .memory = ""},
         .prefixes = {"/machine"},
         .journal_path = (tree_.root() / "journal").string()},
        clock_);
    files_ = std::make_unique<CgroupActuator>(std::move(*made));
    vms_ = std::make_unique<VmActuator>(
        VmActuatorOptions{
            .libvirt = address,
            .open = Opener(),
            .find_domain = [domain = domain_](const std::string& uri,
                                              const LibvirtGroup& group) -> Result<VmAddress> {
              if (group.id != domain->id || group.name != "guest")
                return Error::FromErrno(ENOENT, "none");
              return VmAddress{"libvirt:some-uuid " + uri, group.id};
            }},
        *files_, clock_);
  }
  // Whoever is slow is asked again, as the loop does.
  void Adopt() {
    for (int i = 0; i < 100; ++i) {
      const auto adoptions = vms_->Adopt({group_});
      if (!adoptions[0].error) return;
      ASSERT_EQ(adoptions[0].error->code(), std::errc::resource_unavailable_try_again)
          << adoptions[0].error->ToString();
    }
    FAIL() << "was never adopted";
  }
  // A machine that is busy lets a side thread wait.
  Actuation Set(Resource resource, std::int64_t amount) {
    Actuation done = vms_->Set(group_, resource, amount);
    for (int i = 0; i < 100 && done.error.find("not answered yet") != std::string::npos; ++i) {
      std::this_thread::sleep_for(10ms);
      done = vms_->Set(group_, resource, amount);
    }
    return done;
  }

  test::FakeCgroupfs tree_;
  std::string directory_ = std::string("unified") + kPath;
  std::shared_ptr<FakeDomain> domain_ = std::make_shared<FakeDomain>();
  ManualClock clock_;
  Group group_;
  std::unique_ptr<CgroupActuator> files_;
  std::unique_ptr<VmActuator> vms_;
};

TEST_F(LibvirtVmTest, EverythingGoesThroughLibvirtAndNoFileIsWritten) {
  Adopt();
  domain_->reports = 1;

  EXPECT_EQ(Set(Resource::kMemory, 256 * kMiB).outcome, Outcome::kApplied);
  EXPECT_EQ(Set(Resource::kCpu, 1500).in_force, 1500);
  EXPECT_EQ(Set(Resource::kCpuWeight, 2000).after, "2048");
  EXPECT_EQ(Set(Resource::kIoBandwidth, 8 * kMiB).outcome, Outcome::kApplied);
  EXPECT_EQ(Set(Resource::kMemoryWait, 1).outcome, Outcome::kUnchanged);

  EXPECT_EQ(domain_->balloon, 256 * kMiB);
  EXPECT_EQ(domain_->quota_us, 150'000);
  EXPECT_EQ(domain_->vcpus, 2);
  EXPECT_EQ(domain_->disk_bps, 8 * kMiB);
  EXPECT_EQ(vms_->OwnerOf(group_), "libvirt");
  EXPECT_EQ(tree_.Read(directory_, "cpu.max"), "max 100000");
  EXPECT_EQ(tree_.Read(directory_, "memory.high"), "max");
}

TEST_F(LibvirtVmTest, WhatTheGuestNeedsIsNeverTaken) {
  Adopt();
  domain_->reports = 1;

  EXPECT_EQ(Set(Resource::kMemory, 105 * kMiB).outcome, Outcome::kRefused);

  EXPECT_EQ(domain_->balloon, 512 * kMiB);
}

TEST_F(LibvirtVmTest, TheGuestsReportsAreSwitchedOnWhenTheyAreNeededAndOffByARelease) {
  Adopt();

  EXPECT_THAT(Set(Resource::kMemory, 256 * kMiB).error, HasSubstr("does not tell"));
  EXPECT_EQ(domain_->reports, 1);
  EXPECT_EQ(Set(Resource::kMemory, 256 * kMiB).outcome, Outcome::kApplied);

  ASSERT_TRUE(vms_->Narrow({}));
  EXPECT_EQ(domain_->reports, 0);
}

TEST_F(LibvirtVmTest, ValuesOfAnotherWriterAreLeftAloneAndPutBackByARelease) {
  Adopt();
  Set(Resource::kCpu, 1500);
  domain_->quota_us = 70'000;

  const Actuation done = Set(Resource::kCpu, 1000);

  EXPECT_EQ(done.outcome, Outcome::kForeign);
  EXPECT_EQ(done.in_force, 700);
  EXPECT_EQ(domain_->quota_us, 70'000);
  EXPECT_EQ(Set(Resource::kCpu, 1000).outcome, Outcome::kApplied);
  ASSERT_TRUE(vms_->Narrow({}));
  EXPECT_EQ(domain_->quota_us, 70'000);
}

TEST_F(LibvirtVmTest, AnotherWriterIsNoticedWhileNothingIsWritten) {
  Adopt();
  domain_->reports = 1;
  Set(Resource::kMemory, 256 * kMiB);
  domain_->balloon = 300 * kMiB;
  std::vector<std::string> said;

  for (int i = 0; i < 2000 && said.empty(); ++i) {
    said = vms_->Rest(clock_.Now() + 10s);
    std::this_thread::sleep_for(1ms);
  }

  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("somebody else changed it from 268435456 to 314572800"));
  const Actuation done = Set(Resource::kMemory, 200 * kMiB);
  EXPECT_EQ(done.outcome, Outcome::kForeign);
  EXPECT_EQ(done.in_force, 300 * kMiB);
  EXPECT_EQ(Set(Resource::kMemory, 200 * kMiB).outcome, Outcome::kApplied);
  ASSERT_TRUE(vms_->Narrow({}));
  EXPECT_EQ(domain_->balloon, 300 * kMiB);
}

TEST_F(LibvirtVmTest, ABalloonOnItsWayIsOursAndOneThatStopsThereIsNot) {
  Adopt();
  domain_->reports = 1;
  domain_->balloon_follows = false;
  Set(Resource::kMemory, 256 * kMiB);
  domain_->balloon = 400 * kMiB;
  EXPECT_EQ(Set(Resource::kMemory, 256 * kMiB).outcome, Outcome::kApplied);

  clock_.Advance(5s);

  EXPECT_EQ(Set(Resource::kMemory, 256 * kMiB).outcome, Outcome::kForeign);
}

TEST_F(LibvirtVmTest, AJournalPutsAllOfItBackAfterAKill) {
  Adopt();
  domain_->reports = 1;
  Set(Resource::kMemory, 256 * kMiB);
  Set(Resource::kCpu, 1500);
  Set(Resource::kCpuWeight, 2000);
  Set(Resource::kIoBandwidth, 8 * kMiB);
  auto journal = LoadJournal((tree_.root() / "journal").string());
  ASSERT_TRUE(journal) << journal.error().ToString();
  ASSERT_EQ(journal->groups.size(), 1U);
  Released released;

  EXPECT_TRUE(ReleaseVm(journal->groups[0], released, Opener()));

  EXPECT_THAT(released.failures, ::testing::IsEmpty());
  EXPECT_TRUE(journal->groups[0].originals.empty());
  EXPECT_EQ(domain_->balloon, 512 * kMiB);
  EXPECT_EQ(domain_->quota_us, -1);
  EXPECT_EQ(domain_->shares, 1024);
  EXPECT_EQ(domain_->disk_bps, 0);
  EXPECT_EQ(domain_->vcpus, 1);
}

TEST_F(LibvirtVmTest, ADomainThatWasStartedAnewIsLeftAloneByARelease) {
  Adopt();
  Set(Resource::kCpu, 1500);
  auto journal = LoadJournal((tree_.root() / "journal").string());
  domain_->id = 4;
  Released released;

  EXPECT_TRUE(ReleaseVm(journal->groups[0], released, Opener()));

  EXPECT_EQ(released.gone, 1);
  EXPECT_EQ(domain_->quota_us, 150'000);
}

TEST_F(LibvirtVmTest, OneThatHangsIsNotWaitedForAndIsSaidOnce) {
  Adopt();
  domain_->hangs = true;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::string> said;

  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(vms_->Set(group_, Resource::kCpu, 1000 + i).outcome, Outcome::kRefused);
    std::ranges::copy(vms_->Rest(clock_.Now()), std::back_inserter(said));
    clock_.Advance(100ms);
  }

  EXPECT_LT(std::chrono::steady_clock::now() - begin, kVmPatience + 500ms);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("does not answer"));
  domain_->hangs = false;
  EXPECT_EQ(Set(Resource::kCpu, 800).outcome, Outcome::kApplied);
  EXPECT_THAT(vms_->Rest(clock_.Now()), ::testing::ElementsAre(HasSubstr("answers again")));
}

TEST_F(LibvirtVmTest, ManyBehindOneThatHangsAreWaitedForOnce) {
  std::vector<Group> groups;
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/machine/" + std::to_string(i) + "/qemu-3-guest.libvirt-qemu";
    tree_.Group("unified" + path, {{"cpu.max", "max 100000"}});
    group_ = groups.emplace_back(Group{{tree_.Inode("unified" + path), 0}, path});
    Adopt();
  }
  domain_->hangs = true;
  clock_.Advance(10s);
  const auto begin = std::chrono::steady_clock::now();

  for (const Group& group : groups)
    EXPECT_EQ(vms_->Set(group, Resource::kCpu, 700).outcome, Outcome::kRefused);

  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10 * kVmPatience);
}

TEST_F(LibvirtVmTest, AnAnswerThatCameLateIsTheAnswerToTheSameQuestion) {
  Adopt();
  domain_->hangs = true;
  EXPECT_EQ(vms_->Set(group_, Resource::kCpu, 700).outcome, Outcome::kRefused);
  domain_->hangs = false;

  const Actuation done = Set(Resource::kCpu, 700);

  EXPECT_EQ(done.outcome, Outcome::kApplied) << "and not: unchanged";
  EXPECT_EQ(done.before, "-1");
}

TEST_F(LibvirtVmTest, WithoutAnAddressItsVmsAreLeftAlone) {
  Start("");

  const auto adoptions = vms_->Adopt({group_});

  ASSERT_TRUE(adoptions[0].error);
  EXPECT_THAT(adoptions[0].error->ToString(), HasSubstr("vms.libvirt is empty"));
  EXPECT_EQ(vms_->Set(group_, Resource::kCpu, 500).outcome, Outcome::kRefused);
  EXPECT_EQ(tree_.Read(directory_, "cpu.max"), "max 100000");
}

TEST_F(LibvirtVmTest, OutsideThePrefixesNothingIsAsked) {
  group_.path = "/other/qemu-3-guest.libvirt-qemu";

  EXPECT_THAT(vms_->Adopt({group_})[0].error->ToString(), HasSubstr("no configured prefix"));
}

TEST(LibvirtGroupTest, IsTheNumberAndTheNameOfTheDomain) {
  const LibvirtGroup guest{3, "my-guest"};
  EXPECT_EQ(LibvirtGroupOf("/machine/qemu-3-my-guest.libvirt-qemu"), guest);
  EXPECT_EQ(LibvirtGroupOf("/machine.slice/machine-qemu\\x2d3\\x2dmy\\x2dguest.scope"), guest);
  EXPECT_EQ(LibvirtGroupOf("/machine/lxc-3-guest.libvirt-lxc"), std::nullopt);
  EXPECT_EQ(LibvirtGroupOf("/machine/qemu-x-guest.libvirt-qemu"), std::nullopt);
  EXPECT_EQ(LibvirtGroupOf("/agents/qemu-3"), std::nullopt);
  EXPECT_EQ(LibvirtGroupOf(""), std::nullopt);
}

// libvirt's own test driver: one domain, number 1, in this process.
TEST(LibvirtPortTest, ADomainIsFoundByItsGroupAndItsBalloonMoves) {
  // Keeps the driver's one host alive between the calls.
  const auto witness =
      runtime::LibvirtConnection::Open("test:///default", runtime::LibvirtAccess::kRead);
  ASSERT_TRUE(witness) << witness.error().ToString();
  const auto address = FindLibvirtDomain("test:///default", {1, "test"});
  ASSERT_TRUE(address) << address.error().ToString();
  EXPECT_FALSE(FindLibvirtDomain("test:///default", {2, "test"}));
  EXPECT_FALSE(FindLibvirtDomain("test:///default", {1, "other"}));

  auto port = OpenVm(*address);
  ASSERT_TRUE(port) << port.error().ToString();
  const auto before = (*port)->Memory();
  ASSERT_TRUE(before) << before.error().ToString();
  ASSERT_TRUE((*port)->SetMemory(512 * kMiB));

  EXPECT_EQ(witness->ListDomains()->front().memory_bytes, 512 * kMiB);
  EXPECT_EQ((*port)->Memory()->now, 512 * kMiB);
  EXPECT_TRUE((*port)->SetMemory(*before->now));
  const auto anew = OpenVm({address->text, address->id + 1});
  EXPECT_EQ(anew.error().code(), std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace ballast::actuate

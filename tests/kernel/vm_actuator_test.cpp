// A real QEMU (TCG, no guest system) resized through its machine protocol; the
// witness is QEMU's own answer on a second socket and, for vCPUs, its threads.

#include "autoscaler/actuate/vm_actuator.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "tests/kernel/test_cgroups.h"

namespace ballast::actuate {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = 1 << 20;

class VmKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "kernel suite: run as root (ctest -L kernel)";
    folder_ =
        std::filesystem::temp_directory_path() / ("ballast-test-vm-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "disk") << std::string(1 << 20, '\0');
    qemu_ = std::make_unique<test::Child>(group_, [this] { BecomeQemu(); });
    for (int i = 0; i < 2000 && !runtime::QmpControl::Open(Socket("witness")); ++i)
      std::this_thread::sleep_for(10ms);
    auto made =
        CgroupActuator::Make({.roots = RootsFromMountinfo(test::ReadText("/proc/self/mountinfo")),
                              .prefixes = {group_.path()},
                              .journal_path = Socket("journal")},
                             clock_);
    ASSERT_TRUE(made) << made.error().ToString();
    files_ = std::make_unique<CgroupActuator>(std::move(*made));
    vms_ = std::make_unique<VmActuator>(
        VmActuatorOptions{.qmp_sockets = {(folder_ / "%n.qmp").string()}}, *files_, clock_);
    Until([&] { return !vms_->Adopt({Id()})[0].error && vms_->OwnerOf(Id()) == "qmp"; });
    ASSERT_EQ(vms_->OwnerOf(Id()), "qmp");
  }
  void TearDown() override {
    qemu_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string Socket(const char* name) const { return folder_ / name; }
  void BecomeQemu() const {
    const std::string ours = "unix:" + Socket("ours.qmp") + ",server=on,wait=off";
    const std::string witness = "unix:" + Socket("witness") + ",server=on,wait=off";
    const std::string disk = "file=" + Socket("disk") + ",format=raw,if=none,id=disk0";
    ::execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel", "tcg", "-m", "128M", "-smp",
             "1,maxcpus=3", "-nodefaults", "-display", "none", "-device", "virtio-balloon-pci",
             "-drive", disk.c_str(), "-device", "virtio-blk-pci,drive=disk0", "-qmp", ours.c_str(),
             "-qmp", witness.c_str(), "-S", nullptr);
    ::_exit(127);
  }
  Group Id() const {
    const model::CgroupDirectory& first = group_.directories().front();
    return {{first.id, first.hierarchy_id}, group_.path()};
  }
  std::int64_t DiskLimit() const {
    auto witness = runtime::QmpControl::Open(Socket("witness"));
    const auto drives =
        witness ? witness->Drives() : Result<std::vector<runtime::QmpDrive>>(witness.error());
    return drives && !drives->empty() ? drives->front().bytes_per_second : -1;
  }
  // A QEMU that gets no CPU answers late, and half a second is all that is waited for it.
  static void Until(const std::function<bool()>& holds) {
    for (int i = 0; i < 200 && !holds(); ++i) std::this_thread::sleep_for(100ms);
  }
  int Cpus() const {
    auto witness = runtime::QmpControl::Open(Socket("witness"));
    const auto cpus = witness ? witness->Cpus() : Result<runtime::QmpCpus>(witness.error());
    return cpus ? cpus->plugged : -1;
  }

  test::TestGroup group_{"vm"};
  std::filesystem::path folder_;
  SystemClock clock_;
  std::unique_ptr<test::Child> qemu_;
  std::unique_ptr<CgroupActuator> files_;
  std::unique_ptr<VmActuator> vms_;
};

TEST_F(VmKernelTest, DisksCpusAndTheReleaseOfBothAreWhatQemuSaysThemselves) {
  Until([&] {
    return vms_->Set(Id(), Resource::kIoBandwidth, 8 * kMiB).error.empty() &&
           DiskLimit() == 8 * kMiB;
  });
  EXPECT_EQ(DiskLimit(), 8 * kMiB);
  Until([&] { return vms_->Set(Id(), Resource::kCpu, 1500).error.empty() && Cpus() == 2; });
  EXPECT_EQ(Cpus(), 2);

  vms_.reset();  // as after kill -9
  files_.reset();
  const auto released = ReleaseFile(Socket("journal"), 20s);

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_TRUE(released->failures.empty()) << released->failures.front();
  Until([&] { return DiskLimit() == 0; });
  EXPECT_EQ(DiskLimit(), 0);
}

// Nothing runs inside, so nobody says what could be given away.
TEST_F(VmKernelTest, AGuestWithoutADriverKeepsItsMemory) {
  Actuation done;
  Until([&] {
    done = vms_->Set(Id(), Resource::kMemory, 64 * kMiB);
    return done.error.find("does not tell") != std::string::npos;
  });

  EXPECT_EQ(done.outcome, Outcome::kRefused) << done.after;
  EXPECT_NE(done.error.find("does not tell"), std::string::npos) << done.error;
}

TEST_F(VmKernelTest, AVmThatEndedIsGoneAndItsJournalIsNoFailure) {
  Until([&] { return vms_->Set(Id(), Resource::kIoBandwidth, 8 * kMiB).error.empty(); });
  qemu_->Kill();

  EXPECT_EQ(vms_->Set(Id(), Resource::kIoBandwidth, 4 * kMiB).outcome, Outcome::kGone);
  const auto released = files_->ReleaseAll();

  ASSERT_TRUE(released);
  EXPECT_TRUE(released->failures.empty());
}

}  // namespace
}  // namespace ballast::actuate

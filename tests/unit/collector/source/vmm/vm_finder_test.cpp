#include "collector/source/vmm/vm_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace ballast::source {
namespace {

// A /proc with a few processes, as they look.
class VmFinderTest : public ::testing::Test {
 protected:
  VmFinderTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ballast-proc.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~VmFinderTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(
        (root_ + "/" + path).substr(0, (root_ + "/" + path).rfind('/')));
    std::ofstream(root_ + "/" + path) << text;
  }
  void Process(int pid, const std::string& command_line, int start = 100) {
    const std::string folder = std::to_string(pid);
    Write(folder + "/stat", folder + " (x) S 1 1 1 0 -1 0 0 0 0 0 7 3 0 0 20 0 3 0 " +
                                std::to_string(start) + " 0 0 0\n");
    Write(folder + "/cmdline", command_line);
    Write(folder + "/cgroup", "0::/machine/" + folder + "\n");
    std::filesystem::create_directories(root_ + "/" + folder + "/fd");
    std::filesystem::create_directories(root_ + "/" + folder + "/task");
  }
  void Link(int pid, int fd, const std::string& target) {
    std::filesystem::create_symlink(
        target, root_ + "/" + std::to_string(pid) + "/fd/" + std::to_string(fd));
  }
  void Thread(int pid, int tid, const std::string& comm) {
    Write(std::to_string(pid) + "/task/" + std::to_string(tid) + "/comm", comm + "\n");
  }

  std::string root_;
};

TEST_F(VmFinderTest, QemuIsFoundByItsCommandLineWithItsVcpus) {
  Process(10, std::string("/usr/bin/qemu-system-x86_64\0-name\0guest=a\0", 42));
  Thread(10, 10, "qemu-system-x86");
  Thread(10, 12, "CPU 0/TCG");
  Thread(10, 13, "CPU 1/TCG");

  const auto vms = VmFinder({.proc = root_}).Find();

  ASSERT_EQ(vms.size(), 1U);
  EXPECT_EQ(vms[0].identity.name, "a");
  EXPECT_EQ(vms[0].vcpus, (std::map<std::uint32_t, int>{{0, 12}, {1, 13}}));
  EXPECT_EQ(vms[0].cgroups[0].second, "/machine/10");
}

TEST_F(VmFinderTest, LibvirtCompletesTheVmOfItsUuidAndNoOther) {
  Process(10, std::string("qemu-system-x86_64\0-uuid\0aaaa\0", 30));
  Process(11, std::string("qemu-system-x86_64\0-uuid\0bbbb\0", 30));
  const auto libvirt = [](const std::string& uuid) -> std::optional<runtime::Domain> {
    if (uuid != "aaaa") return std::nullopt;
    return runtime::Domain{.uuid = uuid,
                           .name = "web",
                           .title = "Shop",
                           .memory_bytes = 512,
                           .max_memory_bytes = 1024,
                           .guest_unused_bytes = 100};
  };

  auto vms = VmFinder({.proc = root_, .domain_of = libvirt}).Find();

  ASSERT_EQ(vms.size(), 2U);
  std::ranges::sort(vms, {}, &Vm::pid);
  EXPECT_EQ(vms[0].identity.name, "web");
  EXPECT_EQ(vms[0].identity.title, "Shop");
  EXPECT_EQ(vms[0].balloon_bytes, 512U);
  EXPECT_EQ(vms[0].identity.memory_bytes, 1024U);
  EXPECT_EQ(vms[0].guest_unused_bytes, 100U);
  EXPECT_EQ(vms[1].identity.name, "");
  EXPECT_EQ(vms[1].balloon_bytes, std::nullopt);
}

TEST_F(VmFinderTest, AnyProgramWithAKvmDescriptorIsAVm) {
  Process(20, std::string("/opt/own-vmm\0", 13));
  Link(20, 5, "anon_inode:kvm-vm");
  Link(20, 6, "anon_inode:kvm-vcpu:0");
  Process(21, std::string("/bin/cat\0", 9));
  Link(21, 3, "/dev/null");

  const auto vms = VmFinder({.proc = root_}).Find();

  ASSERT_EQ(vms.size(), 1U);
  EXPECT_EQ(vms[0].pid, 20);
  EXPECT_EQ(vms[0].identity.vmm, "kvm");
}

TEST_F(VmFinderTest, DescriptorOpenedLaterIsSeenOnTheNextLook) {
  Process(20, std::string("/opt/own-vmm\0", 13));
  VmFinder finder({.proc = root_});
  ASSERT_TRUE(finder.Find().empty());
  Link(20, 5, "anon_inode:kvm-vm");

  EXPECT_EQ(finder.Find().size(), 1U);
}

TEST_F(VmFinderTest, ReusedPidIsSomebodyElse) {
  Process(30, std::string("qemu-system-x86_64\0", 19), 100);
  VmFinder finder({.proc = root_});
  ASSERT_EQ(finder.Find().size(), 1U);
  Process(30, std::string("/bin/sh\0", 8), 200);

  EXPECT_TRUE(finder.Find().empty());
}

// A process that was examined and is no VM; then the kernel's cursor goes on to
// `cursor`, and the pid belongs to a VM.
struct GivenCase {
  const char* name;
  int before;
  int cursor;
  bool is_found;
};
class VmFinderGivenTest : public VmFinderTest, public ::testing::WithParamInterface<GivenCase> {};

TEST_P(VmFinderGivenTest, KnownPidIsAskedAgainWhereItMayBeGivenAnew) {
  constexpr int kPid = 1000;  // its turn comes only looks later
  Write("loadavg", "0.10 0.20 0.30 1/99 " + std::to_string(GetParam().before) + "\n");
  Process(kPid, std::string("/bin/cat\0", 9));
  VmFinder finder({.proc = root_});
  for (int look = 0; look < 3; ++look) ASSERT_TRUE(finder.Find().empty());

  Write("loadavg", "0.10 0.20 0.30 1/99 " + std::to_string(GetParam().cursor) + "\n");
  Process(kPid, std::string("/usr/bin/qemu-system-x86_64\0-name\0guest=b\0", 42), 900);

  EXPECT_EQ(finder.Find().size(), GetParam().is_found ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(, VmFinderGivenTest,
                         ::testing::Values(GivenCase{"Passed", 990, 1010, true},
                                           GivenCase{"ReachedIt", 990, 1000, true},
                                           GivenCase{"StillBefore", 990, 999, false},
                                           GivenCase{"NothingWasForked", 990, 990, false},
                                           GivenCase{"BeyondIt", 1000, 1010, false},
                                           GivenCase{"WrappedAroundPastIt", 5000, 2000, true},
                                           GivenCase{"WrappedAroundBeforeIt", 5000, 300, false}),
                         [](const auto& row) { return row.param.name; });

TEST_F(VmFinderTest, PidThatCameBackUnnoticedIsFoundInItsTurn) {
  Write("loadavg", "0.10 0.20 0.30 1/99 990\n");
  Process(1000, std::string("/bin/cat\0", 9));
  VmFinder finder({.proc = root_});
  for (int look = 0; look < 3; ++look) ASSERT_TRUE(finder.Find().empty());
  Process(1000, std::string("/usr/bin/qemu-system-x86_64\0-name\0guest=b\0", 42), 900);

  std::size_t found = 0;
  for (int look = 0; look < 15 && found == 0; ++look) found = finder.Find().size();

  EXPECT_EQ(found, 1U);
}

// The cursor of another pid namespace's /proc may stand still.
TEST_F(VmFinderTest, NewPidThatTheCursorDoesNotTellOfIsFoundInTheEnd) {
  Write("loadavg", "0.10 0.20 0.30 1/99 990\n");
  VmFinder finder({.proc = root_});
  for (int look = 0; look < 3; ++look) ASSERT_TRUE(finder.Find().empty());
  Process(1000, std::string("/usr/bin/qemu-system-x86_64\0-name\0guest=b\0", 42), 900);

  EXPECT_TRUE(finder.Find().empty()) << "/proc is not listed for nothing";
  std::size_t found = 0;
  for (int look = 0; look < 15 && found == 0; ++look) found = finder.Find().size();
  EXPECT_EQ(found, 1U);
}

TEST_F(VmFinderTest, EndedVmIsGone) {
  Process(30, std::string("qemu-system-x86_64\0", 19));
  VmFinder finder({.proc = root_});
  ASSERT_EQ(finder.Find().size(), 1U);
  std::filesystem::remove_all(root_ + "/30");

  EXPECT_TRUE(finder.Find().empty());
}

}  // namespace
}  // namespace ballast::source

#include "collector/source/vmm/vmm_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace ballast::source {
namespace {

std::string Line(std::string words) {
  std::ranges::replace(words, ' ', '\0');
  return words + '\0';
}

struct CommandLine {
  const char* name;
  const char* words;
  std::optional<VmmIdentity> expected;
};

class CommandLineTest : public ::testing::TestWithParam<CommandLine> {};

TEST_P(CommandLineTest, TellsWhoTheGuestIs) {
  EXPECT_EQ(ParseVmmCommandLine(Line(GetParam().words)), GetParam().expected);
}

constexpr std::uint64_t kMiB = 1 << 20;
// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, CommandLineTest, ::testing::Values(
    CommandLine{"Libvirt", "/usr/bin/qemu-system-x86_64 -name guest=web-1,debug-threads=on -S -m 2048 -uuid 11-22", VmmIdentity{"qemu", "web-1", "11-22", 2048 * kMiB}},
    CommandLine{"NewerLibvirt", "/usr/bin/qemu-system-x86_64 -name guest=web,debug-threads=on -m size=2097152k,slots=16", VmmIdentity{"qemu", "web", "", 2048 * kMiB}},
    CommandLine{"PlainName", "qemu-system-aarch64 -m 512M -name small", VmmIdentity{"qemu", "small", "", 512 * kMiB}},
    CommandLine{"NoNameNoMemory", "qemu-system-x86_64 -nographic", VmmIdentity{"qemu", "", "", 128 * kMiB}},
    CommandLine{"OptionWithoutValue", "qemu-system-x86_64 -m 1G -name", VmmIdentity{"qemu", "", "", 1024 * kMiB}},
    CommandLine{"MemoryIsNonsense", "qemu-system-x86_64 -m lots", VmmIdentity{"qemu", "", "", std::nullopt}},
    CommandLine{"MemoryOverflows", "qemu-system-x86_64 -m 99999999999T", VmmIdentity{"qemu", "", "", std::nullopt}},
    CommandLine{"RedHat", "/usr/libexec/qemu-kvm -name guest=rhel", VmmIdentity{"qemu", "rhel", "", 128 * kMiB}},
    CommandLine{"Proxmox", "/usr/bin/kvm -name vm100,debug-threads=on -m 4G", VmmIdentity{"qemu", "vm100", "", 4096 * kMiB}},
    CommandLine{"Firecracker", "/usr/bin/firecracker --id fc-7 --api-sock /run/fc.sock", VmmIdentity{"firecracker", "fc-7", "", std::nullopt}},
    CommandLine{"FirecrackerVersioned", "firecracker-v1.7 --id=fc-8", VmmIdentity{"firecracker", "fc-8", "", std::nullopt}},
    CommandLine{"CloudHypervisor", "cloud-hypervisor --memory size=1G --platform uuid=ab", VmmIdentity{"cloud-hypervisor", "", "ab", 1024 * kMiB}},
    CommandLine{"KvmTool", "/usr/bin/kvm_stat -1", std::nullopt},
    CommandLine{"QemuImage", "qemu-img convert a b", std::nullopt},
    CommandLine{"Shell", "/bin/sh -c qemu-system-x86_64", std::nullopt},
    CommandLine{"Empty", "", std::nullopt}),
    [](const auto& row) { return row.param.name; });

struct Thread { const char* name; const char* comm; std::optional<std::uint32_t> vcpu; };
class ThreadTest : public ::testing::TestWithParam<Thread> {};
TEST_P(ThreadTest, IsAVcpuOrNot) { EXPECT_EQ(ParseVcpuThread(GetParam().comm), GetParam().vcpu); }
INSTANTIATE_TEST_SUITE_P(Table, ThreadTest, ::testing::Values(
    Thread{"QemuKvm", "CPU 3/KVM\n", 3}, Thread{"QemuTcg", "CPU 0/TCG", 0}, Thread{"QemuRoundRobin", "ALL CPUs/TCG", std::nullopt},
    Thread{"Firecracker", "fc_vcpu 11", 11}, Thread{"CloudHypervisor", "vcpu2", 2}, Thread{"Crosvm", "crosvm_vcpu1", 1},
    Thread{"Main", "qemu-system-x86", std::nullopt}, Thread{"Io", "IO mon_iothread", std::nullopt},
    Thread{"OtherCpu", "CPU 1/XYZ", std::nullopt}, Thread{"NoNumber", "CPU x/KVM", std::nullopt}, Thread{"Empty", "", std::nullopt}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(SchedStatTest, FirstTwoNumbersCount) {
  EXPECT_EQ(ParseSchedStat("123 456 7\n"), (SchedStat{123, 456}));
  EXPECT_EQ(ParseSchedStat("123"), std::nullopt);
  EXPECT_EQ(ParseSchedStat(""), std::nullopt);
  EXPECT_EQ(ParseSchedStat("-1 2 3"), std::nullopt);
}

TEST(ProcessStatTest, NameWithParenthesesAndSpacesDoesNotShiftTheFields) {
  const std::string text =
      "42 (a) b (c)) S 1 1 1 0 -1 4194560 1 2 3 4 500 25 0 0 20 0 3 0 9876 1000 200 0\n";

  EXPECT_EQ(ParseProcessStat(text), (ProcessStat{525, 9876}));
  EXPECT_EQ(ParseProcessStat("42 (a"), std::nullopt);
  EXPECT_EQ(ParseProcessStat("42 (a)"), std::nullopt);
  EXPECT_EQ(ParseProcessStat("42 (a) S 1 2"), std::nullopt);
}

TEST(ProcessCgroupsTest, EveryHierarchyHasItsPath) {
  const auto groups = ParseProcessCgroups("4:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/c\nbroken\n");

  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0], (std::pair<std::uint32_t, std::string>{4, "/a:b"}));
  EXPECT_EQ(groups[2], (std::pair<std::uint32_t, std::string>{0, "/c"}));
}

}  // namespace
}  // namespace ballast::source

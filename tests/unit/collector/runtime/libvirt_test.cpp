// libvirt's own test driver: a domain in this process, no daemon.
#include "collector/runtime/libvirt.h"

#include <gtest/gtest.h>

#include <fstream>

namespace ballast::runtime {
namespace {

constexpr const char* kTestDomain = "6695eb01-f6a4-8304-79aa-97f2502e193f";

// The driver's default domain is one vCPU of two; memory 2 of 8 GiB.
Result<LibvirtConnection> OpenTest() {
  return LibvirtConnection::Open("test:///default", LibvirtAccess::kWrite);
}

TEST(LibvirtTest, RunningDomainIsListedWithItsSizes) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  const auto domains = libvirt->ListDomains();

  ASSERT_TRUE(domains) << domains.error().ToString();
  ASSERT_EQ(domains->size(), 1u);
  EXPECT_EQ(domains->front().name, "test");
  EXPECT_EQ(domains->front().uuid, kTestDomain);
  EXPECT_EQ(domains->front().memory_bytes, 2ULL << 30);
  EXPECT_EQ(domains->front().max_memory_bytes, 8ULL << 30);
  EXPECT_EQ(domains->front().vcpus, 2u);
}

TEST(LibvirtTest, MemoryThatIsSetIsListed) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  const auto set = libvirt->SetMemory(kTestDomain, 1ULL << 30);

  ASSERT_TRUE(set) << set.error().ToString();
  EXPECT_EQ(libvirt->ListDomains()->front().memory_bytes, 1ULL << 30);
  EXPECT_TRUE(libvirt->SetMemory(kTestDomain, 2ULL << 30));
}

TEST(LibvirtTest, MemoryAboveWhatTheDomainWasDefinedWithIsRefused) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  EXPECT_FALSE(libvirt->SetMemory(kTestDomain, 64ULL << 30));
}

TEST(LibvirtTest, VcpusThatAreSetAreListed) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  const auto set = libvirt->SetVcpus(kTestDomain, 1);

  ASSERT_TRUE(set) << set.error().ToString();
  EXPECT_EQ(libvirt->ListDomains()->front().vcpus, 1u);
  EXPECT_TRUE(libvirt->SetVcpus(kTestDomain, 2));
}

TEST(LibvirtTest, OneDomainIsReadAsItIsListed) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  const auto domain = libvirt->ReadDomain(kTestDomain);

  ASSERT_TRUE(domain) << domain.error().ToString();
  EXPECT_EQ(*domain, libvirt->ListDomains()->front());
  EXPECT_EQ(domain->id, 1u);
  EXPECT_TRUE(libvirt->ReadMemoryReports(kTestDomain));
}

TEST(LibvirtTest, UnknownDomainSaysSo) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  const auto set = libvirt->SetMemory("00000000-0000-4000-8000-000000000000", 1 << 20);

  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), std::errc::no_such_process) << set.error().ToString();
}

TEST(LibvirtTest, AbsentDaemonIsAnErrorThatNamesTheAddress) {
  const auto libvirt = LibvirtConnection::Open(
      "qemu+unix:///system?socket=/nowhere/ballast-libvirt.sock", LibvirtAccess::kRead);

  ASSERT_FALSE(libvirt);
  EXPECT_NE(libvirt.error().ToString().find("/nowhere/"), std::string::npos)
      << libvirt.error().ToString();
}

TEST(LibvirtTest, EmptyTuneWritesNothing) {
  const auto libvirt = OpenTest();
  ASSERT_TRUE(libvirt) << libvirt.error().ToString();

  EXPECT_TRUE(libvirt->SetCpuTune(kTestDomain, {}));
  EXPECT_TRUE(libvirt->SetBlockTune(kTestDomain, "vda", {}));
}

}  // namespace
}  // namespace ballast::runtime

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "collector/source/procfs/net_dev_text.h"
#include "collector/source/procfs/process_source.h"
#include "tests/support/map_sample.h"

namespace ballast::source {
namespace {

using model::EntityKind;
using model::Field;
namespace fs = std::filesystem;

constexpr const char* kNetDev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo:     100       2    0    0    0     0          0         0      100       2    0    0  "
    "  0     0       0          0\n"
    "  eth0:    5000      40    1    2    0     0          0         0      700       9    3    4  "
    "  0     0       0          0\n";

TEST(ParseNetDevTest, InterfacesWithoutTheLoopback) {
  const auto interfaces = ParseNetDev(kNetDev);

  ASSERT_EQ(interfaces.size(), 1U);
  const InterfaceCounts expected{.name = "eth0",
                                 .receive_bytes = 5000,
                                 .receive_packets = 40,
                                 .receive_errors = 1,
                                 .receive_drops = 2,
                                 .transmit_bytes = 700,
                                 .transmit_packets = 9,
                                 .transmit_errors = 3,
                                 .transmit_drops = 4};
  EXPECT_EQ(interfaces[0], expected);
}

TEST(ParseNetDevTest, BrokenLinesAreLeftOut) {
  EXPECT_TRUE(ParseNetDev("eth0: 1 2 three\n").empty());
  EXPECT_TRUE(ParseNetDev("eth0\n\n:").empty());
  EXPECT_EQ(ParseNetDev("eth0:1 2 3 4 5 6 7 8 9 10 11 12").size(), 1U);
}

// A /proc and cgroup directories in a temporary folder. A namespace is the file
// that ns/net leads to.
class ProcessSourceTest : public ::testing::Test {
 protected:
  ProcessSourceTest() {
    std::string pattern = (fs::temp_directory_path() / "ballast-process.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    Process("1", "host");
    source_ = std::make_unique<ProcessSource>(ProcessOptions{.proc = root_, .every = 1});
  }
  ~ProcessSourceTest() override { fs::remove_all(root_); }

  void Process(const std::string& pid, const std::string& network) {
    Write("namespaces/" + network, "");
    fs::create_directories(root_ / pid / "ns");
    fs::create_symlink(root_ / "namespaces" / network, root_ / pid / "ns/net");
    Write(pid + "/net/dev", kNetDev);
  }
  void Group(const std::string& path, const std::string& pids) {
    Write("cgroup/" + path + "/cgroup.procs", pids);
  }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void Track(Slot slot, const std::string& path) {
    ASSERT_TRUE(source_->Track(
        {.slot = slot, .key = {}, .directories = {{0, 1, root_ / "cgroup" / path}}}));
  }
  test::MapSample Collect() {
    test::MapSample sample;
    EXPECT_TRUE(source_->Collect(sample));
    return sample;
  }

  fs::path root_;
  std::unique_ptr<ProcessSource> source_;
};

TEST_F(ProcessSourceTest, CountsProcessesOfInnerGroupsToo) {
  Group("a", "11\n12\n");
  Group("a/inner/deep", "13\n");
  Track(1, "a");

  EXPECT_EQ(Collect().Of(1).Get(Field::kProcesses), 3U);
}

TEST_F(ProcessSourceTest, WorkloadThatUsedNoCpuIsLookedAtEverySixtiethTurn) {
  Group("web", "7\n");
  Track(1, "web");
  const auto processes_with_usage = [&](std::uint64_t usage_ns) {
    test::MapSample sample;
    sample.Of(1).Set(Field::kCpuUsageNs, usage_ns);
    EXPECT_TRUE(source_->Collect(sample));
    return sample.Of(1).Get(Field::kProcesses);
  };
  processes_with_usage(5);
  processes_with_usage(5);
  Group("web", "7\n8\n");

  EXPECT_EQ(processes_with_usage(5), 1U);
  EXPECT_EQ(processes_with_usage(6), 2U) << "it did something";
  Group("web", "7\n");
  for (int turn = 1; turn < 60; ++turn) EXPECT_EQ(processes_with_usage(6), 2U) << turn;
  EXPECT_EQ(processes_with_usage(6), 1U) << "the sixtieth";
}

TEST_F(ProcessSourceTest, NetworkOfASleeperIsReadEveryTenthTurn) {
  Process("11", "pod");
  Group("a", "11\n");
  Track(1, "a");
  const auto is_read = [&] {
    test::MapSample sample;
    sample.Of(1).Set(Field::kCpuUsageNs, std::uint64_t{5});
    EXPECT_TRUE(source_->Collect(sample));
    return !sample.children.empty();
  };
  EXPECT_TRUE(is_read());
  EXPECT_TRUE(is_read());

  for (int turn = 1; turn < 10; ++turn) EXPECT_FALSE(is_read()) << turn;
  EXPECT_TRUE(is_read()) << "the tenth";
}

TEST_F(ProcessSourceTest, NamespaceOfItsOwnIsItsNetwork) {
  Process("11", "pod");
  Group("a", "11\n");
  Track(1, "a");

  auto sample = Collect();

  const auto& fields = sample.children.at({1, EntityKind::kInterface, "eth0"});
  EXPECT_EQ(fields.Get(Field::kNetworkReceiveBytes), 5000U);
  EXPECT_EQ(fields.Get(Field::kNetworkTransmitPackets), 9U);
}

TEST_F(ProcessSourceTest, NamespaceOfTheHostIsNobodys) {
  Process("11", "host");
  Group("a", "11\n");
  Track(1, "a");

  EXPECT_TRUE(Collect().children.empty());
}

TEST_F(ProcessSourceTest, SharedNamespaceIsToldOnceUntilItsTellerIsGone) {
  Process("11", "pod");
  Process("12", "pod");
  Group("a", "11\n");
  Group("b", "12\n");
  Track(1, "a");
  Track(2, "b");

  EXPECT_EQ(Collect().children.size(), 1U);
  source_->Untrack(1);
  EXPECT_EQ(Collect().children.count({2, EntityKind::kInterface, "eth0"}), 1U);
}

TEST_F(ProcessSourceTest, GroupThatIsGoneHasNoProcesses) {
  Track(1, "never");

  EXPECT_EQ(Collect().Of(1).Get(Field::kProcesses), 0U);
}

}  // namespace
}  // namespace ballast::source

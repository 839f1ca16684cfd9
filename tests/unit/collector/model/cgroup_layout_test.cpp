#include "collector/model/cgroup_layout.h"

#include <gtest/gtest.h>

namespace ballast::model {
namespace {

constexpr std::string_view kHybrid =
    "25 1 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "26 25 0:23 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "27 25 0:24 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
    "28 25 0:25 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "29 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
    "40 30 0:24 /docker/abc /var/lib/x/cgroup/memory rw - cgroup cgroup rw,memory\n";
constexpr std::string_view kCgroups =
    "#subsys_name\thierarchy\tnum_"
    "cgroups\tenabled\ncpu\t3\t1\t1\ncpuacct\t3\t1\t1\nmemory\t4\t9\t1\npids\t0\t1\t1\n";

TEST(CgroupLayoutTest, HybridHostHasBothKinds) {
  const auto layout = ParseCgroupLayout(kHybrid, kCgroups);

  ASSERT_TRUE(layout) << layout.error().ToString();
  ASSERT_EQ(layout->hierarchies.size(), 3U);
  EXPECT_EQ(layout->FindV2()->mount_point, "/sys/fs/cgroup/unified");
  EXPECT_EQ(layout->FindV1("cpuacct")->id, 3U);
  EXPECT_EQ(layout->FindV1("memory")->mount_point, "/sys/fs/cgroup/memory");
  EXPECT_EQ(layout->FindV1("pids"), nullptr);
}

TEST(CgroupLayoutTest, PureCgroup2HasNoV1) {
  const auto layout =
      ParseCgroupLayout("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "");

  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->hierarchies, (std::vector{Hierarchy{0, true, "/sys/fs/cgroup", {}}}));
}

TEST(CgroupLayoutTest, EscapedMountPointIsPlainAgain) {
  const auto layout = ParseCgroupLayout("30 23 0:26 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n", "");

  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->FindV2()->mount_point, "/mnt/a b");
}

TEST(CgroupLayoutTest, NoCgroupMountSaysWhatToDo) {
  const auto layout = ParseCgroupLayout("25 1 0:22 / / rw - ext4 /dev/vda rw\n", kCgroups);

  ASSERT_FALSE(layout);
  EXPECT_NE(layout.error().ToString().find("mount -t cgroup2"), std::string::npos);
}

TEST(CgroupLayoutTest, KeyPrefersCgroup2) {
  EXPECT_EQ(KeyOf({{4, 70, "/m"}, {0, 80, "/u"}}), (WorkloadKey{80, 0}));
  EXPECT_EQ(KeyOf({{4, 70, "/m"}}), (WorkloadKey{70, 4}));
  EXPECT_EQ(KeyOf(std::vector<CgroupDirectory>{}), std::nullopt);
}

}  // namespace
}  // namespace ballast::model

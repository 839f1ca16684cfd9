#include <gtest/gtest.h>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/actuate/cgroup_roots.h"

namespace ballast::actuate {
namespace {

TEST(IsBelowTest, ComponentsCountNotLetters) {
  struct Row {
    const char* name;
    const char* path;
    const char* prefix;
    bool below;
  };
  for (const Row& row : {
           Row{"child", "/docker/abc", "/docker", true},
           Row{"trailing slash", "/docker/abc", "/docker/", true},
           Row{"itself", "/docker", "/docker", true},
           Row{"longer name", "/docker2/abc", "/docker", false},
           Row{"root prefix", "/docker/abc", "/", false},
           Row{"empty prefix", "/docker/abc", "", false},
           Row{"relative prefix", "/docker/abc", "docker", false},
           Row{"the root", "/", "/docker", false},
           Row{"climbs out", "/docker/../system.slice", "/docker", false},
           Row{"climbs at the end", "/docker/..", "/docker", false},
           Row{"dots in a name", "/docker/a..b", "/docker", true},
       })
    EXPECT_EQ(IsBelow(row.path, row.prefix), row.below) << row.name;
}

TEST(RootsTest, HybridHostHasThreeRoots) {
  const CgroupRoots roots = RootsFromMountinfo(
      "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
      "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
      "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "35 31 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");

  EXPECT_EQ(roots.unified, "/sys/fs/cgroup/unified");
  EXPECT_EQ(roots.cpu, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(roots.memory, "/sys/fs/cgroup/memory");
}

TEST(RootsTest, PureV2HasOneRoot) {
  const CgroupRoots roots = RootsFromMountinfo(
      "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");

  EXPECT_EQ(roots.unified, "/sys/fs/cgroup");
  EXPECT_TRUE(roots.cpu.empty());
}

TEST(RootsTest, ABindMountOfAPartIsNoRoot) {
  EXPECT_TRUE(
      RootsFromMountinfo("29 23 0:26 /docker/x /mnt rw - cgroup2 cgroup2 rw\n").unified.empty());
}

TEST(LivesInTest, IsToldByAnyHierarchy) {
  constexpr const char* kGuest = "4:memory:/machine/guest\n0::/user.slice\n";
  EXPECT_TRUE(LivesIn(kGuest, "/machine/guest"));
  EXPECT_TRUE(LivesIn(kGuest, "/machine"));
  EXPECT_TRUE(LivesIn(kGuest, "/user.slice"));
  EXPECT_FALSE(LivesIn(kGuest, "/machine/guest/vcpu0"));
  EXPECT_FALSE(LivesIn(kGuest, "/mach"));
  EXPECT_FALSE(LivesIn("nonsense", "/"));
  EXPECT_FALSE(LivesIn("", "/machine"));
}

}  // namespace
}  // namespace ballast::actuate

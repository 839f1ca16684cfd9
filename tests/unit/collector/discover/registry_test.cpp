#include "collector/discover/registry.h"

#include <gtest/gtest.h>

#include "tests/support/fake_cgroupfs.h"

namespace ballast::discover {
namespace {

using model::Field;
using std::chrono::milliseconds;

constexpr std::uint32_t kV2 = 0, kCpu = 1, kMemory = 4;
constexpr BootTime kNow = std::chrono::seconds(100);

// A host's cgroup trees side by side: unified, and two v1 controllers.
class RegistryTest : public testing::Test {
 protected:
  RegistryTest() {
    for (const char* tree : {"unified", "cpu", "memory"}) fs_.Group(tree);
  }

  model::CgroupLayout V2() const { return {{{kV2, true, Mount("unified"), {}}}}; }
  model::CgroupLayout Hybrid() const {
    return {{{kCpu, false, Mount("cpu"), {"cpu", "cpuacct"}},
             {kMemory, false, Mount("memory"), {"memory"}},
             {kV2, true, Mount("unified"), {}}}};
  }
  std::string Mount(const std::string& tree) const { return (fs_.root() / tree).string(); }

  static RegistryOptions Options(std::size_t max_workloads = 8) {
    RegistryOptions options;
    options.classify.prefixes = {"/demo"};
    options.max_workloads = max_workloads;
    return options;
  }

  // A directory of the same path that is another one. Made before the old goes: file systems reuse
  // inode numbers.
  void MakeAgain(const std::string& path) {
    fs_.Group(path + ".next");
    fs_.Remove(path);
    std::filesystem::rename(fs_.root() / (path + ".next"), fs_.root() / path);
  }

  CgroupHint Made(std::uint32_t hierarchy, const std::string& tree, const std::string& path) const {
    return {CgroupHint::Kind::kMade, hierarchy, fs_.Inode(tree + path), path};
  }

  test::FakeCgroupfs fs_;
};

TEST_F(RegistryTest, ScanFindsWhatIsThere) {
  fs_.Group("unified/demo/a");
  fs_.Group("unified/system.slice/ssh.service");
  fs_.Group("unified/plain/group");
  Registry registry(V2(), Options());

  const Changes changes = registry.Scan(kNow);

  ASSERT_EQ(changes.born, (std::vector<Slot>{1, 2}));
  const Workload* a = registry.FindByKey({fs_.Inode("unified/demo/a"), kV2});
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->path, "/demo/a");
  EXPECT_EQ(a->kind, model::EntityKind::kSlice);
  EXPECT_EQ(a->identity.GetText(Field::kName), "a");
  EXPECT_EQ(a->identity.GetText(Field::kPath), "/demo/a");
  EXPECT_EQ(a->identity.Get(Field::kCgroupId), fs_.Inode("unified/demo/a"));
  EXPECT_EQ(a->identity.Get(Field::kHierarchyId), 0U);
  EXPECT_EQ(a->identity.Get(Field::kBootRelativeStartNs), static_cast<std::uint64_t>(kNow.count()));
}

TEST_F(RegistryTest, SecondScanOfTheSameTreeChangesNothing) {
  fs_.Group("unified/demo/a/inner");
  fs_.Group("cpu/demo/a/inner");
  Registry registry(Hybrid(), Options());
  registry.Scan(kNow);

  EXPECT_TRUE(registry.Scan(kNow).empty());
}

TEST_F(RegistryTest, InnerGroupsAreNotWorkloads) {
  fs_.Group("unified/demo/a/tool-1/child");
  Registry registry(V2(), Options());

  EXPECT_EQ(registry.Scan(kNow).born.size(), 1U);
}

TEST_F(RegistryTest, SamePathInAllHierarchiesIsOneWorkload) {
  for (const char* tree : {"unified", "cpu", "memory"}) fs_.Group(std::string(tree) + "/demo/a");
  Registry registry(Hybrid(), Options());

  const Changes changes = registry.Scan(kNow);

  ASSERT_EQ(changes.born.size(), 1U);
  const Workload& a = registry.Get(1);
  EXPECT_EQ(a.key, (model::WorkloadKey{fs_.Inode("unified/demo/a"), kV2}));
  EXPECT_EQ(a.directories.size(), 3U);
}

TEST_F(RegistryTest, WorkloadWithoutCgroup2DirectoryHasAV1Key) {
  fs_.Group("memory/demo/a");
  Registry registry(Hybrid(), Options());

  registry.Scan(kNow);

  EXPECT_EQ(registry.Get(1).key, (model::WorkloadKey{fs_.Inode("memory/demo/a"), kMemory}));
}

TEST_F(RegistryTest, NestedContainerIsFoundInsideAWorkload) {
  const std::string id(64, 'a');
  fs_.Group("unified/demo/a/docker/" + id);
  Registry registry(V2(), Options());

  ASSERT_EQ(registry.Scan(kNow).born.size(), 2U);
  const Workload* inner = registry.FindByKey({fs_.Inode("unified/demo/a/docker/" + id), kV2});
  ASSERT_NE(inner, nullptr);
  EXPECT_EQ(inner->identity.GetText(Field::kOuterId), "a");
}

TEST_F(RegistryTest, RemovedGroupDiesAtTheNextScan) {
  fs_.Group("unified/demo/a");
  Registry registry(V2(), Options());
  registry.Scan(kNow);

  fs_.Remove("unified/demo/a");

  EXPECT_EQ(registry.Scan(kNow).died, std::vector<Slot>{1});
  EXPECT_FALSE(registry.Get(1).is_alive);
  EXPECT_EQ(registry.counts().tracked, 0U);
}

TEST_F(RegistryTest, GroupMadeAgainIsAnotherIncarnation) {
  fs_.Group("unified/demo/a");
  Registry registry(V2(), Options());
  registry.Scan(kNow);

  MakeAgain("unified/demo/a");
  const Changes changes = registry.Scan(kNow);

  EXPECT_EQ(changes.died, std::vector<Slot>{1});
  ASSERT_EQ(changes.born, std::vector<Slot>{2});
  EXPECT_NE(registry.Get(1).key, registry.Get(2).key);
  EXPECT_NE(registry.Get(1).ref, registry.Get(2).ref);
}

TEST_F(RegistryTest, SlotIsReusedOnlyAfterRelease) {
  fs_.Group("unified/demo/a");
  Registry registry(V2(), Options());
  registry.Scan(kNow);
  fs_.Remove("unified/demo/a");
  registry.Scan(kNow);

  fs_.Group("unified/demo/b");
  EXPECT_EQ(registry.Scan(kNow).born, std::vector<Slot>{2});
  registry.Release(1);
  fs_.Group("unified/demo/c");
  EXPECT_EQ(registry.Scan(kNow).born, std::vector<Slot>{1});
}

TEST_F(RegistryTest, ReferencesAreNeverReused) {
  fs_.Group("unified/demo/a");
  Registry registry(V2(), Options());
  registry.Scan(kNow);
  const model::EntityRef first = registry.Get(1).ref;
  fs_.Remove("unified/demo/a");
  registry.Scan(kNow);
  registry.Release(1);

  fs_.Group("unified/demo/a");
  registry.Scan(kNow);

  EXPECT_GT(registry.Get(1).ref, first);
  EXPECT_GT(registry.NextRef(), registry.Get(1).ref);
}

TEST_F(RegistryTest, BeyondTheBoundWorkloadsAreCounted) {
  for (const char* name : {"a", "b", "c", "d", "e"}) fs_.Group("unified/demo/" + std::string(name));
  Registry registry(V2(), Options(2));

  EXPECT_EQ(registry.Scan(kNow).born.size(), 2U);
  EXPECT_EQ(registry.counts().overflowing, 3U);
  EXPECT_EQ(registry.counts().overflowed, 3U);
}

TEST_F(RegistryTest, SameOverflowIsCountedOnceOverall) {
  for (const char* name : {"a", "b", "c"}) fs_.Group("unified/demo/" + std::string(name));
  Registry registry(V2(), Options(1));
  registry.Scan(kNow);
  registry.Scan(kNow);

  EXPECT_EQ(registry.counts().overflowing, 2U);
  EXPECT_EQ(registry.counts().overflowed, 2U);
}

TEST_F(RegistryTest, UnitsGoWithoutASlotBeforeOthers) {
  for (const char* name : {"a", "b", "c"}) {
    fs_.Group("unified/system.slice/" + std::string(name) + ".service");
    fs_.Group("unified/demo/" + std::string(name));
  }
  Registry registry(V2(), Options(3));

  registry.Scan(kNow);

  for (const Workload* workload : registry.All())
    EXPECT_EQ(workload->identity.GetText(Field::kRuntime), "cgroup");
}

TEST_F(RegistryTest, FreedSlotAsksForAScanWhileOthersGoWithout) {
  fs_.Group("unified/demo/a");
  fs_.Group("unified/demo/b");
  Registry registry(V2(), Options(1));
  registry.Scan(kNow);
  std::filesystem::remove(registry.Get(1).directories[0].directory);
  registry.Scan(kNow);
  EXPECT_FALSE(registry.wants_scan());

  registry.Release(1);
  registry.Settle(kNow + milliseconds(999));
  EXPECT_FALSE(registry.wants_scan()) << "not more often than scan_gap";
  registry.Settle(kNow + milliseconds(1000));

  EXPECT_TRUE(registry.wants_scan());
  EXPECT_EQ(registry.Scan(kNow).born, std::vector<Slot>{1});
  EXPECT_EQ(registry.counts().overflowing, 0U);
}

TEST_F(RegistryTest, HintBearsAWorkloadWithoutAScan) {
  Registry registry(V2(), Options());
  registry.Scan(kNow);
  fs_.Group("unified/demo/a");

  EXPECT_EQ(registry.OnCgroup(Made(kV2, "unified", "/demo/a"), kNow).born, std::vector<Slot>{1});
}

TEST_F(RegistryTest, RepeatedHintBearsNobodyTwice) {
  Registry registry(V2(), Options());
  fs_.Group("unified/demo/a");
  registry.OnCgroup(Made(kV2, "unified", "/demo/a"), kNow);

  EXPECT_TRUE(registry.OnCgroup(Made(kV2, "unified", "/demo/a"), kNow).empty());
  EXPECT_TRUE(registry.Scan(kNow).empty());
}

TEST_F(RegistryTest, HintAboutAnInnerGroupChangesNothing) {
  Registry registry(V2(), Options());
  fs_.Group("unified/demo/a/tool");
  registry.Scan(kNow);

  EXPECT_TRUE(registry.OnCgroup(Made(kV2, "unified", "/demo/a/tool"), kNow).empty());
  EXPECT_FALSE(registry.wants_scan());
}

TEST_F(RegistryTest, HintAboutAnotherControllerIsIgnored) {
  Registry registry(V2(), Options());

  EXPECT_TRUE(registry.OnCgroup({CgroupHint::Kind::kMade, 77, 5, "/demo/a"}, kNow).empty());
  EXPECT_FALSE(registry.wants_scan());
}

TEST_F(RegistryTest, CutPathThatNobodyCanResolveAsksForAScan) {
  Registry registry(V2(), Options());
  fs_.Group("unified/demo/agent");
  CgroupHint hint = Made(kV2, "unified", "/demo/agent");
  hint.path = "/demo/age";

  EXPECT_TRUE(registry.OnCgroup(hint, kNow).empty());
  EXPECT_TRUE(registry.wants_scan());
  EXPECT_EQ(registry.counts().unresolved_hints, 1U);
  EXPECT_EQ(registry.Scan(kNow).born.size(), 1U);
  EXPECT_FALSE(registry.wants_scan());
}

TEST_F(RegistryTest, RemovalHintEndsALifeAtOnce) {
  fs_.Group("unified/demo/a");
  Registry registry(V2(), Options());
  registry.Scan(kNow);

  const Changes changes =
      registry.OnCgroup({CgroupHint::Kind::kRemoved, kV2, registry.Get(1).key.cgroup_id}, kNow);

  EXPECT_EQ(changes.died, std::vector<Slot>{1});
  EXPECT_TRUE(changes.born.empty());
}

TEST_F(RegistryTest, HalfMadeWorkloadWaitsForItsCgroup2Directory) {
  Registry registry(Hybrid(), Options());
  registry.Scan(kNow);

  fs_.Group("cpu/demo/a");
  EXPECT_TRUE(registry.OnCgroup(Made(kCpu, "cpu", "/demo/a"), kNow).empty());
  EXPECT_EQ(registry.counts().half_made, 1U);
  EXPECT_TRUE(registry.Settle(kNow + milliseconds(10)).empty());

  fs_.Group("unified/demo/a");
  const Changes changes =
      registry.OnCgroup(Made(kV2, "unified", "/demo/a"), kNow + milliseconds(20));
  ASSERT_EQ(changes.born, std::vector<Slot>{1});
  EXPECT_EQ(registry.Get(1).key.hierarchy_id, kV2);
  EXPECT_EQ(registry.Get(1).directories.size(), 2U);
  EXPECT_EQ(registry.Get(1).identity.Get(Field::kBootRelativeStartNs),
            static_cast<std::uint64_t>(kNow.count()));
  EXPECT_EQ(registry.counts().half_made, 0U);
}

TEST_F(RegistryTest, HalfMadeWorkloadIsBornWithItsV1KeyAfterTheWait) {
  Registry registry(Hybrid(), Options());
  registry.Scan(kNow);
  fs_.Group("cpu/demo/a");
  registry.OnCgroup(Made(kCpu, "cpu", "/demo/a"), kNow);

  EXPECT_EQ(registry.Settle(kNow + milliseconds(50)).born, std::vector<Slot>{1});
  EXPECT_EQ(registry.Get(1).key.hierarchy_id, kCpu);
}

TEST_F(RegistryTest, LateDirectoryCompletesAWorkloadAndKeepsItsKey) {
  Registry registry(Hybrid(), Options());
  fs_.Group("unified/demo/a");
  registry.Scan(kNow);
  const model::WorkloadKey key = registry.Get(1).key;

  fs_.Group("memory/demo/a");
  const Changes changes = registry.OnCgroup(Made(kMemory, "memory", "/demo/a"), kNow);

  EXPECT_EQ(changes.changed, std::vector<Slot>{1});
  EXPECT_TRUE(changes.born.empty());
  EXPECT_EQ(registry.Get(1).key, key);
  EXPECT_EQ(registry.Get(1).directories.size(), 2U);
}

TEST_F(RegistryTest, LateCgroup2DirectoryDoesNotBearASecondWorkload) {
  Registry registry(Hybrid(), Options());
  fs_.Group("cpu/demo/a");
  registry.Scan(kNow);

  fs_.Group("unified/demo/a");
  const Changes changes = registry.Scan(kNow);

  EXPECT_TRUE(changes.born.empty());
  EXPECT_EQ(changes.changed, std::vector<Slot>{1});
  EXPECT_EQ(registry.Get(1).key.hierarchy_id, kCpu);
}

TEST_F(RegistryTest, WhatOutlivesItsKeyDirectoryIsNotBornAgain) {
  for (const char* tree : {"unified", "cpu", "memory"}) fs_.Group(std::string(tree) + "/demo/a");
  Registry registry(Hybrid(), Options());
  registry.Scan(kNow);

  fs_.Remove("unified/demo/a");
  EXPECT_EQ(registry.Scan(kNow).died, std::vector<Slot>{1});
  fs_.Remove("cpu/demo/a");
  EXPECT_TRUE(registry.Scan(kNow).empty());
  EXPECT_TRUE(registry.Settle(kNow + milliseconds(500)).empty());
}

TEST_F(RegistryTest, NewGroupAmongLeftOversIsBorn) {
  for (const char* tree : {"unified", "cpu"}) fs_.Group(std::string(tree) + "/demo/a");
  Registry registry(Hybrid(), Options());
  registry.Scan(kNow);
  fs_.Remove("unified/demo/a");
  registry.Scan(kNow);

  fs_.Group("unified/demo/a");

  EXPECT_EQ(registry.Scan(kNow).born, std::vector<Slot>{2});
}

TEST_F(RegistryTest, RemovedSideDirectoryChangesButDoesNotKill) {
  for (const char* tree : {"unified", "cpu"}) fs_.Group(std::string(tree) + "/demo/a");
  Registry registry(Hybrid(), Options());
  registry.Scan(kNow);

  const Changes changes =
      registry.OnCgroup({CgroupHint::Kind::kRemoved, kCpu, fs_.Inode("cpu/demo/a")}, kNow);

  EXPECT_TRUE(changes.died.empty());
  EXPECT_EQ(changes.changed, std::vector<Slot>{1});
  EXPECT_EQ(registry.Get(1).directories.size(), 1U);
}

TEST_F(RegistryTest, ScanThatMeetsItsBoundKillsNobody) {
  for (const char* name : {"a", "b", "c"}) fs_.Group("unified/demo/" + std::string(name));
  RegistryOptions options = Options();
  options.walk.max_directories = 4;
  Registry registry(V2(), options);
  ASSERT_EQ(registry.Scan(kNow).born.size(), 3U);

  for (const char* name : {"x", "y", "z"}) fs_.Group("unified/" + std::string(name));
  const Changes changes = registry.Scan(kNow);

  EXPECT_TRUE(changes.died.empty());
  EXPECT_EQ(registry.counts().incomplete_scans, 1U);
}

TEST_F(RegistryTest, NamesBecomeValidText) {
  fs_.Group("unified/demo/a\xff\x01\xc3\xa9");
  Registry registry(V2(), Options());

  registry.Scan(kNow);

  EXPECT_EQ(registry.Get(1).identity.GetText(Field::kName), "a??\xc3\xa9");
  EXPECT_EQ(registry.Get(1).path, "/demo/a\xff\x01\xc3\xa9");
}

}  // namespace
}  // namespace ballast::discover

#include "autoscaler/actuate/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/fake_cgroupfs.h"

namespace ballast::actuate {
namespace {

using ::testing::HasSubstr;

class ReleaseTest : public ::testing::Test {
 protected:
  Journal Remember(const char* group, std::vector<Original> originals) {
    return {"b", {{tree_.Inode(group), (tree_.root() / group).string(), std::move(originals)}}};
  }
  test::FakeCgroupfs tree_;
};

TEST_F(ReleaseTest, PutsBackWhatChangedAndEmptiesTheJournal) {
  tree_.Group("web", {{"cpu.max", "50000 100000"}, {"cpu.weight", "100"}});
  Journal journal = Remember("web", {{"cpu.max", "max 100000"}, {"cpu.weight", "100"}});

  const Released released = Release(journal);

  EXPECT_EQ(tree_.Read("web", "cpu.max"), "max 100000");
  EXPECT_EQ(released.restored, 1);
  EXPECT_EQ(released.unchanged, 1);
  EXPECT_TRUE(journal.groups.empty());
}

TEST_F(ReleaseTest, AGroupMadeAnewUnderTheSamePathIsLeftAlone) {
  tree_.Group("web", {{"cpu.max", "50000 100000"}});
  Journal journal = Remember("web", {{"cpu.max", "max 100000"}});
  journal.groups[0].inode += 1;

  const Released released = Release(journal);

  EXPECT_EQ(tree_.Read("web", "cpu.max"), "50000 100000");
  EXPECT_EQ(released.gone, 1);
}

TEST_F(ReleaseTest, WhatIsRefusedStaysInTheJournalWithItsReason) {
  tree_.Group("web", {{"cpu.max", "50000 100000"}, {"cpu.weight", "7"}});
  Journal journal = Remember("web", {{"cpu.max", "max 100000"}, {"cpu.weight", "100"}});
  tree_.RefuseWrites("web", "cpu.max");

  const Released released = Release(journal);

  ASSERT_EQ(released.failures.size(), 1U);
  EXPECT_THAT(released.failures[0], HasSubstr("cpu.max"));
  EXPECT_EQ(tree_.Read("web", "cpu.weight"), "100");
  ASSERT_EQ(journal.groups.size(), 1U);
  EXPECT_EQ(journal.groups[0].originals[0].file, "cpu.max");
}

TEST_F(ReleaseTest, AMemoryMaximumIsNotPutBelowUse) {
  tree_.Group("web", {{"memory.max", "8388608"}, {"memory.current", "4000000"}});
  Journal journal = Remember("web", {{"memory.max", "1048576"}});

  const Released released = Release(journal);

  EXPECT_EQ(tree_.Read("web", "memory.max"), "8388608");
  ASSERT_EQ(released.failures.size(), 1U);
  EXPECT_THAT(released.failures[0], HasSubstr("in use"));
}

TEST_F(ReleaseTest, PatienceWaitsForABurstToEnd) {
  tree_.Group("web", {{"memory.max", "8388608"}, {"memory.current", "4000000"}});
  Journal journal = Remember("web", {{"memory.max", "1048576"}});
  const std::jthread burst([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    tree_.Write("web", {"memory.current", "5000"});
  });

  const Released released = Release(journal, std::chrono::seconds(10));

  EXPECT_TRUE(released.failures.empty());
  EXPECT_EQ(tree_.Read("web", "memory.max"), "1048576");
  EXPECT_TRUE(journal.groups.empty());
}

TEST_F(ReleaseTest, OomControlIsComparedByItsSwitch) {
  tree_.Group("web", {{"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0"}});
  Journal journal = Remember("web", {{"memory.oom_control", "0"}});

  EXPECT_EQ(Release(journal).unchanged, 1);
}

TEST_F(ReleaseTest, AJournalOfAnEarlierBootIsDropped) {
  tree_.Group("web", {{"cpu.max", "50000 100000"}});
  Journal journal = Remember("web", {{"cpu.max", "max 100000"}});
  journal.boot_id = "an-earlier-boot";
  const std::string path = (tree_.root() / "journal").string();
  ASSERT_TRUE(SaveJournal(path, journal));

  const auto released = ReleaseFile(path);

  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_EQ(released->gone, 1);
  EXPECT_EQ(tree_.Read("web", "cpu.max"), "50000 100000");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace ballast::actuate

#include "autoscaler/actuate/journal.h"

#include <gtest/gtest.h>

#include "tests/support/fake_cgroupfs.h"

namespace ballast::actuate {
namespace {

Journal Example() {
  return {"boot-1",
          {{4711, "/sys/fs/cgroup/cpu/web", {{"cpu.cfs_quota_us", "-1"}, {"cpu.shares", "1024"}}},
           {4712, "/sys/fs/cgroup/odd\nname\\x", {{"cpu.max", "max 100000"}}}}};
}

TEST(JournalTest, WhatIsWrittenIsReadBack) {
  const auto read = ParseJournal(FormatJournal(Example()));

  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(*read, Example());
}

TEST(JournalTest, DamageIsNamedByItsLine) {
  struct Row {
    const char* name;
    const char* text;
    const char* message;
  };
  for (const Row& row : {
           Row{"other file", "hello\n", "line 1"},
           Row{"empty", "", "ends too early"},
           Row{"cut", "ballast-journal 1\nboot b\ngroup 1 /x\nvalue cpu.max max", "ends too early"},
           Row{"wrong count", "ballast-journal 1\nboot b\ngroup 1 /x\nend 2\n", "line 4"},
           Row{"value first", "ballast-journal 1\nvalue cpu.max 1\nend 0\n", "line 2"},
           Row{"a path as file", "ballast-journal 1\ngroup 1 /x\nvalue ../y 1\nend 1\n", "line 3"},
           Row{"no inode", "ballast-journal 1\ngroup x /x\nend 1\n", "line 2"},
           Row{"more after the end", "ballast-journal 1\nend 0\nboot x\n", "line 3"},
       }) {
    const auto read = ParseJournal(row.text);
    ASSERT_FALSE(read) << row.name;
    EXPECT_NE(read.error().ToString().find(row.message), std::string::npos)
        << row.name << ": " << read.error().ToString();
  }
}

TEST(JournalTest, AMissingFileIsAnEmptyJournal) {
  test::FakeCgroupfs folder;

  const auto read = LoadJournal((folder.root() / "none").string());

  ASSERT_TRUE(read);
  EXPECT_TRUE(read->groups.empty());
}

TEST(JournalTest, AnEmptyJournalLeavesNoFile) {
  test::FakeCgroupfs folder;
  const std::string path = (folder.root() / "journal").string();
  ASSERT_TRUE(SaveJournal(path, Example()));
  ASSERT_TRUE(std::filesystem::exists(path));

  ASSERT_TRUE(SaveJournal(path, {}));

  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace ballast::actuate

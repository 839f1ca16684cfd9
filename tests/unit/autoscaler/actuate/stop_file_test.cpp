#include "autoscaler/actuate/stop_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace ballast::actuate {
namespace {

class StopFileTest : public ::testing::Test {
 protected:
  StopFileTest() : folder_(::testing::TempDir() + "ballast-stop-file") {
    std::filesystem::remove_all(folder_);
  }
  ~StopFileTest() override { std::filesystem::remove_all(folder_); }

  void Put(const std::string& text) {
    std::filesystem::create_directories(folder_);
    std::ofstream(file_.path()) << text;
  }

  std::string folder_;
  StopFile file_{folder_};
};

TEST_F(StopFileTest, WithoutAFileOrAFolderNobodyOrderedAStop) {
  EXPECT_EQ(file_.Find(), std::nullopt);
  const auto removed = file_.Remove();
  ASSERT_TRUE(removed);
  EXPECT_FALSE(*removed);
}

TEST_F(StopFileTest, WhatIsWrittenIsFoundUntilItIsRemoved) {
  for (const bool release : {false, true}) {
    ASSERT_TRUE(file_.Write({release, "incident 7"}));
    EXPECT_EQ(file_.Find(), (StopOrder{release, "incident 7"}));
    const auto removed = file_.Remove();
    ASSERT_TRUE(removed);
    EXPECT_TRUE(*removed);
    EXPECT_EQ(file_.Find(), std::nullopt);
  }
}

TEST_F(StopFileTest, WhatAnEditorLeavesIsAnOrderToo) {
  struct Row {
    const char* name;
    const char* text;
    StopOrder order;
  };
  for (const Row& row :
       {Row{"touch", "", {false, ""}}, Row{"echo release", "release\n", {true, ""}},
        Row{"release with spaces", "release \r\nwhy\n", {true, "why"}},
        Row{"a word of its own", "please release\n", {false, "please release"}},
        Row{"lines", "by me\nat night\n", {false, "by me at night"}},
        Row{"control characters", "\x1b[31mred", {false, " [31mred"}}}) {
    Put(row.text);

    EXPECT_EQ(file_.Find(), row.order) << row.name;
  }
}

TEST_F(StopFileTest, AFileThatCannotBeReadIsAnOrderToKeepWhatIsApplied) {
  std::filesystem::create_directories(file_.path());

  const auto order = file_.Find();

  ASSERT_TRUE(order);
  EXPECT_FALSE(order->release);
  EXPECT_FALSE(order->why.empty());
}

}  // namespace
}  // namespace ballast::actuate

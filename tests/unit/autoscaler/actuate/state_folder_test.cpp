#include "autoscaler/actuate/state_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/fake_cgroupfs.h"

namespace ballast::actuate {
namespace {

TEST(StateFolderTest, ASecondAutoscalerIsRefusedWithOneSentence) {
  test::FakeCgroupfs folder;
  const std::string path = (folder.root() / "state").string();
  const auto first = StateFolder::Lock(path);
  ASSERT_TRUE(first) << first.error().ToString();

  const auto second = StateFolder::Lock(path);

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().ToString(), ::testing::StartsWith("another autoscaler runs"));
}

TEST(StateFolderTest, TheLockEndsWithItsHolder) {
  test::FakeCgroupfs folder;
  const std::string path = (folder.root() / "state").string();
  { ASSERT_TRUE(StateFolder::Lock(path)); }

  EXPECT_TRUE(StateFolder::Lock(path));
}

}  // namespace
}  // namespace ballast::actuate

#include "collector/base/log.h"

#include <gtest/gtest.h>

namespace ballast {
namespace {

std::string Logged(LogLevel lowest) {
  SetLogLevel(lowest);
  ::testing::internal::CaptureStderr();
  BALLAST_LOG(kInfo, "limit written", {"path", "a b\nlevel=error"}, {"bytes", 7});
  BALLAST_LOG(kInfo, "ready");
  return ::testing::internal::GetCapturedStderr();
}

TEST(LogTest, ValuesCannotForgeASecondLine) {
  const std::string text = Logged(LogLevel::kInfo);

  EXPECT_NE(text.find(R"(level=info msg="limit written" path="a b level=error" bytes=7)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("msg=ready\n"), std::string::npos) << text;
}

TEST(LogTest, LowerLevelsAreSilent) {
  EXPECT_EQ(Logged(LogLevel::kWarn), "");
}

TEST(LogTest, UnknownLevelSaysWhichExist) {
  EXPECT_EQ(ParseLogLevel("loud").error().ToString(),
            "log level 'loud': use debug, info, warn or error");
}

}  // namespace
}  // namespace ballast

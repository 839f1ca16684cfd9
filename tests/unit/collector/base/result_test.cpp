#include "collector/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace ballast {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Error::FromErrno(EDOM, "half of " + std::to_string(value));
  return value / 2;
}

Result<int> Quarter(int value) {
  BALLAST_TRY(const int half, Half(value), "quarter");
  BALLAST_TRY(const int quarter, Half(half), "quarter");
  return quarter;
}

TEST(ResultTest, TryPassesTheValueOn) {
  EXPECT_EQ(*Quarter(12), 3);
}

TEST(ResultTest, ContextReadsOuterToInner) {
  const auto result = Quarter(6);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().ToString(), "quarter: half of 3: Numerical argument out of domain");
}

TEST(ResultTest, InvalidInputIsOneSentence) {
  EXPECT_EQ(Error::Invalid("line 3: no such key 'cpuu'").ToString(), "line 3: no such key 'cpuu'");
}

TEST(ResultDeathTest, ReadingAMissingValueEndsTheProcess) {
  EXPECT_DEATH(*Half(3), "Result without a value was read: half of 3");
}

}  // namespace
}  // namespace ballast

#include "collector/config/nearest_name.h"

#include <gtest/gtest.h>

namespace ballast::config {
namespace {

TEST(FindNearestTest, TypingErrorFindsItsName) {
  EXPECT_EQ(FindNearest("tick.intreval_ms", {"http.listen", "tick.interval_ms"}),
            "tick.interval_ms");
}

TEST(FindNearestTest, ForgottenSectionFindsItsName) {
  EXPECT_EQ(FindNearest("listen", {"tick.interval_ms", "http.listen"}), "http.listen");
}

TEST(FindNearestTest, StrangerFindsNothing) {
  EXPECT_EQ(FindNearest("zebra", {"margin", "mode"}), std::nullopt);
}

}  // namespace
}  // namespace ballast::config

#include "collector/config/byte_size.h"

#include <gtest/gtest.h>

namespace ballast::config {
namespace {

struct Case {
  const char* name;
  const char* text;
  std::uint64_t bytes;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}
class ByteSizeTest : public ::testing::TestWithParam<Case> {};

TEST_P(ByteSizeTest, Reads) {
  const auto bytes = ParseByteSize(GetParam().text);

  ASSERT_TRUE(bytes) << bytes.error().ToString();
  EXPECT_EQ(*bytes, GetParam().bytes);
}

INSTANTIATE_TEST_SUITE_P(Table, ByteSizeTest,
                         ::testing::Values(Case{"Bare", "4096", 4096},
                                           Case{"Binary", "512MiB", 512ULL << 20},
                                           Case{"Decimal", "2GB", 2'000'000'000},
                                           Case{"Fraction", "1.5GiB", 3ULL << 29},
                                           Case{"Space", "1 KiB", 1024}, Case{"Zero", "0", 0}),
                         [](const auto& test) { return test.param.name; });

TEST(ByteSizeTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MiB", "-1", "1mib", "1 000", "1e300", "99999999TiB", "nan"})
    EXPECT_FALSE(ParseByteSize(text)) << text;
}

TEST(ByteSizeTest, WritesTheShortestExactForm) {
  EXPECT_EQ(FormatByteSize(512ULL << 20), "512MiB");
  EXPECT_EQ(FormatByteSize(1000), "1000B");
  EXPECT_EQ(FormatByteSize(0), "0B");
}

}  // namespace
}  // namespace ballast::config

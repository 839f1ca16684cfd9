#include "collector/net/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::net {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ParseTargetTest, PathAndQueryAreDecoded) {
  const auto target = ParseTarget("/a%2Fb/c+d?limit=5&workload=x%20y+z&flag&=v");

  ASSERT_TRUE(target) << target.error().ToString();
  EXPECT_EQ(target->path, "/a/b/c+d");
  EXPECT_THAT(target->query, ElementsAre(Pair("limit", "5"), Pair("workload", "x y z"),
                                         Pair("flag", ""), Pair("", "v")));
}

TEST(ParseTargetTest, MalformedTargetIsAnError) {
  for (const char* text :
       {"", "x", "*", "http://host/", "/%", "/%2", "/%g1", "/?a=%", "/a b", "/a\tb", "/\x7f"})
    EXPECT_FALSE(ParseTarget(text)) << text;
}

struct EndpointCase {
  const char* name;
  const char* text;
  const char* address;  // nullptr: an error
  int port;
};
void PrintTo(const EndpointCase& c, std::ostream* out) {
  *out << c.name;
}
class ParseEndpointTest : public ::testing::TestWithParam<EndpointCase> {};

TEST_P(ParseEndpointTest, Parses) {
  const auto endpoint = ParseEndpoint(GetParam().text);

  ASSERT_EQ(endpoint.has_value(), GetParam().address != nullptr);
  if (!endpoint) return;
  EXPECT_EQ(endpoint->address, GetParam().address);
  EXPECT_EQ(endpoint->port, GetParam().port);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParseEndpointTest,
    ::testing::Values(EndpointCase{"V4", "127.0.0.1:9435", "127.0.0.1", 9435},
                      EndpointCase{"V6", "[::1]:80", "::1", 80},
                      EndpointCase{"Localhost", "localhost:0", "127.0.0.1", 0},
                      EndpointCase{"NoPort", "127.0.0.1", nullptr, 0},
                      EndpointCase{"NoAddress", ":80", nullptr, 0},
                      EndpointCase{"PortTooLarge", "127.0.0.1:65536", nullptr, 0},
                      EndpointCase{"PortWithRest", "127.0.0.1:80x", nullptr, 0},
                      EndpointCase{"V6WithoutBrackets", "::1:80", nullptr, 0},
                      EndpointCase{"HalfBracket", "[::1:80", nullptr, 0}),
    [](const auto& test) { return test.param.name; });

TEST(MakeErrorTest, TextIsEscaped) {
  EXPECT_EQ(MakeError(400, "a \"b\"\n\\").body, "{\"error\":\"a \\\"b\\\" \\\\\"}\n");
}

}  // namespace
}  // namespace ballast::net

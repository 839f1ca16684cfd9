#include "collector/runtime/qmp.h"

#include <gtest/gtest.h>

#include "tests/support/unix_server.h"

namespace ballast::runtime {
namespace {

constexpr const char* kGreeting = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

std::string Answer(const std::string& asked) {
  if (asked.find("query-name") != std::string::npos)
    return "{\"event\": \"RESUME\"}\r\n{\"return\": {\"name\": \"web\"}}\r\n";
  if (asked.find("query-balloon") != std::string::npos)
    return "{\"error\": {\"class\": \"DeviceNotActive\"}}\r\n";
  if (asked.find("query-cpus-fast") != std::string::npos)
    return "{\"return\": [{\"cpu-index\": 1, \"thread-id\": 77}, {\"cpu-index\": \"x\"}]}\r\n";
  return "{\"return\": {}}\r\n";
}

TEST(QmpTest, NameAndThreadsAreToldAndABalloonThatIsNotThereIsAbsent) {
  const test::UnixServer qemu(Answer, kGreeting, true);

  const auto told = AskQmp(qemu.path());

  ASSERT_TRUE(told) << told.error().ToString();
  EXPECT_EQ(told->name, "web");
  EXPECT_EQ(told->balloon_bytes, std::nullopt);
  EXPECT_EQ(told->vcpus, (std::map<std::uint32_t, int>{{1, 77}}));
}

TEST(QmpTest, SocketThatSaysNothingCostsHalfASecond) {
  const test::UnixServer silent([](const std::string&) { return std::string(); }, "", true);

  const auto told = AskQmp(silent.path());

  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code(), std::errc::timed_out);
}

TEST(QmpTest, AnotherProtocolIsRefused) {
  const test::UnixServer other(Answer, "220 mail\r\n", true);

  EXPECT_FALSE(AskQmp(other.path()));
}

}  // namespace
}  // namespace ballast::runtime

#include "collector/runtime/docker_api.h"

#include <gtest/gtest.h>

#include "tests/support/unix_server.h"

namespace ballast::runtime {
namespace {

constexpr const char* kList =
    R"([{"Id":"abc","Names":["/web/link","/web"],"Image":"python:3","Labels":{"ballast.agent":"a-1"}},{"Image":"no id"}])";

std::string WithLength(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(DockerApiTest, ListIsReadWithNameImageAndLabels) {
  const test::UnixServer docker([](const std::string&) { return WithLength(kList); });

  const auto containers = ListContainers(docker.path());

  ASSERT_TRUE(containers) << containers.error().ToString();
  ASSERT_EQ(containers->size(), 1U);
  EXPECT_EQ((*containers)[0],
            (ContainerInfo{"abc", "web", "python:3", {{"ballast.agent", "a-1"}}}));
}

TEST(DockerApiTest, ChunkedAnswerIsPutTogether) {
  const std::string list = kList;
  const test::UnixServer docker([&](const std::string&) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + list.substr(0, 10) +
           "\r\n" + "67;x=1\r\n" + list.substr(10) + "\r\n0\r\n\r\n";
  });
  ASSERT_EQ(list.size() - 10, 0x67U);

  const auto containers = ListContainers(docker.path());

  ASSERT_TRUE(containers) << containers.error().ToString();
  EXPECT_EQ(containers->size(), 1U);
}

TEST(DockerApiTest, AnswerWithoutLengthEndsWithTheConnection) {
  const test::UnixServer docker(
      [](const std::string&) { return std::string("HTTP/1.0 200 OK\r\n\r\n") + kList; });

  EXPECT_TRUE(ListContainers(docker.path()));
}

struct Broken {
  const char* name;
  const char* answer;
};
class BrokenTest : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenTest, IsAnErrorOfThisQuestion) {
  const test::UnixServer docker([](const std::string&) { return std::string(GetParam().answer); });

  EXPECT_FALSE(ListContainers(docker.path()));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, BrokenTest, ::testing::Values(
    Broken{"NotHttp", "SSH-2.0-x\r\n"},
    Broken{"Refused", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n[]"},
    Broken{"CutBody", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]"},
    Broken{"CutHead", "HTTP/1.1 200 OK\r\nContent-"},
    Broken{"NotJson", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[{,"},
    Broken{"NotAList", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
    Broken{"HugeChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n"},
    Broken{"BadChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(DockerApiTest, NobodyThereIsAnError) {
  EXPECT_FALSE(ListContainers("/nonexistent/docker.sock"));
}

TEST(DockerApiTest, AnUpdateSaysWhatChangesAndNothingElse) {
  std::string asked;
  const test::UnixServer docker([&](const std::string& text) {
    asked = text;
    return WithLength("{}");
  });

  const auto done = UpdateContainer(
      docker.path(), "abc", {.cpu_quota_us = 50000, .cpu_period_us = 100000, .memory_bytes = 7});

  ASSERT_TRUE(done) << done.error().ToString();
  EXPECT_TRUE(asked.starts_with("POST /containers/abc/update HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("{\"CpuQuota\":50000,\"CpuPeriod\":100000,\"Memory\":7}"), std::string::npos)
      << asked;
}

TEST(DockerApiTest, AContainerMadeWithCpusIsToldInItsOwnUnit) {
  std::string asked;
  const test::UnixServer docker([&](const std::string& text) -> std::string {
    asked = text;
    if (text.find("NanoCpus") != std::string::npos) return WithLength("{}");
    const std::string why = "CPU Period cannot be updated as NanoCPUs has already been set";
    return "HTTP/1.1 400 Bad Request\r\nContent-Length: " + std::to_string(why.size()) +
           "\r\n\r\n" + why;
  });

  const auto done =
      UpdateContainer(docker.path(), "abc", {.cpu_quota_us = 50000, .cpu_period_us = 100000});

  ASSERT_TRUE(done) << done.error().ToString();
  EXPECT_NE(asked.find("{\"NanoCpus\":500000000}"), std::string::npos) << asked;
}

TEST(DockerApiTest, ARefusedUpdateHasTheDaemonsWords) {
  const test::UnixServer docker(
      [](const std::string&) { return "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nno way in"; });

  const auto done = UpdateContainer(docker.path(), "abc", {.memory_bytes = 7});

  ASSERT_FALSE(done);
  EXPECT_NE(done.error().ToString().find("no way in"), std::string::npos);
}

}  // namespace
}  // namespace ballast::runtime

#include "collector/runtime/cri_api.h"

#include <gtest/gtest.h>

#include "collector/runtime/grpc_unary.h"
#include "collector/runtime/protobuf_reader.h"
#include "tests/support/grpc_server.h"

namespace ballast::runtime {
namespace {

using test::GrpcAnswer;
using test::ProtobufField;

std::string Entry(const std::string& key, const std::string& value) {
  return ProtobufField(1, key) + ProtobufField(2, value);
}

// runtime.v1's PodSandbox and Container, as containerd fills them.
std::string Pod() {
  return ProtobufField(1,
                       ProtobufField(1, "pod-1") +
                           ProtobufField(2, ProtobufField(1, "web-0") + ProtobufField(2, "uid-7") +
                                                ProtobufField(3, "prod")) +
                           ProtobufField(5, Entry("ballast.agent", "agent-7")) +
                           ProtobufField(5, Entry("app", "of-the-pod")));
}
std::string Container(const std::string& image = "docker.io/library/python:3") {
  return ProtobufField(1,
                       ProtobufField(1, "container-1") + ProtobufField(2, "pod-1") +
                           ProtobufField(3, ProtobufField(1, "app") + std::string("\x10\x02", 2)) +
                           ProtobufField(4, ProtobufField(1, image)) + std::string("\x30\x01", 2) +
                           ProtobufField(8, Entry("app", "of-the-container")));
}

GrpcAnswer Cri(const std::string& method) {
  if (method == "/runtime.v1.RuntimeService/ListPodSandbox") return {.message = Pod()};
  if (method == "/runtime.v1.RuntimeService/ListContainers") return {.message = Container()};
  return {.message = {}, .status = 12};
}

const ContainerInfo& Find(const std::vector<ContainerInfo>& all, const std::string& id) {
  static const ContainerInfo none;
  for (const ContainerInfo& info : all)
    if (info.id == id) return info;
  return none;
}

TEST(CriApiTest, ContainerIsNamedWithItsPodAndItsPodsAgent) {
  const test::GrpcServer daemon(Cri);

  const auto listed = ListCriContainers(daemon.path());

  ASSERT_TRUE(listed) << listed.error().ToString();
  const ContainerNames names = NamesOf(Find(*listed, "container-1"), "ballast.agent");
  EXPECT_EQ(names, (ContainerNames{.name = "app",
                                   .image = "docker.io/library/python:3",
                                   .pod = "web-0",
                                   .name_space = "prod",
                                   .container = "app",
                                   .agent = "agent-7"}));
}

TEST(CriApiTest, ContainersOwnLabelWinsOverItsPods) {
  const auto all = ParseCriContainers(Pod(), Container());

  ASSERT_TRUE(all);
  EXPECT_EQ(Find(*all, "container-1").labels.at("app"), "of-the-container");
}

TEST(CriApiTest, SandboxOfAPodIsNamedAsTheKubeletDoes) {
  const auto all = ParseCriContainers(Pod(), "");

  ASSERT_TRUE(all);
  const ContainerNames names = NamesOf(Find(*all, "pod-1"), "ballast.agent");
  EXPECT_EQ(names.container, "POD");
  EXPECT_EQ(names.pod, "web-0");
}

TEST(CriApiTest, DigestIsNoImageName) {
  const auto all = ParseCriContainers("", Container("sha256:0123"));

  ASSERT_TRUE(all);
  EXPECT_EQ(Find(*all, "container-1").image, "");
}

TEST(CriApiTest, AnswerThatIsCutIsRefused) {
  const std::string whole = Container();

  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes)
    EXPECT_FALSE(ParseCriContainers("", whole.substr(0, bytes))) << bytes;
}

TEST(GrpcUnaryTest, DaemonWithoutTheServiceSaysSo) {
  const test::GrpcServer daemon([](const std::string&) { return GrpcAnswer{.status = 12}; });

  const auto listed = ListCriContainers(daemon.path());

  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code(), std::errc::not_supported) << listed.error().ToString();
}

TEST(GrpcUnaryTest, AnswerOfManyFramesIsWhole) {
  const std::string large(3 << 20, 'x');
  const test::GrpcServer daemon([&](const std::string&) { return GrpcAnswer{.message = large}; });

  const auto answer = CallGrpc({.socket_path = daemon.path(), .method = "/any", .request = ""});

  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->size(), large.size());
}

TEST(GrpcUnaryTest, AnswerBeyondTheBoundIsRefused) {
  const test::GrpcServer daemon(
      [](const std::string&) { return GrpcAnswer{.message = std::string(5000, 'x')}; });

  const auto answer =
      CallGrpc({.socket_path = daemon.path(), .method = "/any", .request = "", .max_answer = 4000});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), std::errc::message_size) << answer.error().ToString();
}

TEST(GrpcUnaryTest, AnotherProtocolIsRefused) {
  const test::UnixServer other(
      [](const std::string&) { return "HTTP/1.1 400 Bad Request\r\n\r\n"; });

  EXPECT_FALSE(CallGrpc({.socket_path = other.path(), .method = "/any", .request = ""}));
}

TEST(GrpcUnaryTest, SilentDaemonCostsItsPatienceOnly) {
  const test::UnixServer silent([](const std::string&) { return std::string(); }, "", true);

  const auto answer = CallGrpc({.socket_path = silent.path(),
                                .method = "/any",
                                .request = "",
                                .patience = std::chrono::milliseconds(100)});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), std::errc::timed_out);
}

struct Broken {
  const char* name;
  std::string message;
};
class BrokenProtobufTest : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenProtobufTest, IsNoticed) {
  ProtobufReader reader(GetParam().message);
  while (reader.Next()) {
  }
  EXPECT_TRUE(reader.is_broken());
}

INSTANTIATE_TEST_SUITE_P(
    Table, BrokenProtobufTest,
    ::testing::Values(Broken{"LengthBeyondTheEnd", "\x0a\x05xy"}, Broken{"TagWithoutValue", "\x08"},
                      Broken{"EndlessVarint", "\x08" + std::string(11, '\xff')},
                      Broken{"Group", "\x0b"}, Broken{"FieldZero", std::string("\x02\x00", 2)},
                      Broken{"ShortFixed64", "\x09zzz"},
                      Broken{"HugeLength", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace ballast::runtime

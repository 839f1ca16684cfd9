#include "collector/discover/namer.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/support/grpc_server.h"
#include "tests/support/unix_server.h"

namespace ballast::discover {
namespace {

using namespace std::chrono_literals;
using model::Field;

std::string List(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Generous: what is waited for comes in milliseconds.
std::vector<Named> WaitForNames(Namer& namer) {
  pollfd wait{namer.event_fd(), POLLIN, 0};
  return ::poll(&wait, 1, 10'000) > 0 ? namer.Take() : std::vector<Named>{};
}

NamerOptions Options(const std::string& socket) {
  NamerOptions options;
  options.sockets = {socket};
  options.cri_sockets = {};
  options.root = "/nonexistent";
  options.gap = 5ms;
  return options;
}

TEST(NamerTest, ContainerIsNamedWithItsAgent) {
  const test::UnixServer docker([](const std::string&) {
    return List(
        R"([{"Id":"abc","Names":["/web"],"Image":"img","Labels":{"ballast.agent":"a-1"}}])");
  });
  auto namer = *Namer::Start(Options(docker.path()));

  namer->Want({7, model::EntityRef{70}, "abc", ""});

  const auto named = WaitForNames(*namer);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].slot, 7U);
  EXPECT_EQ(named[0].ref, model::EntityRef{70});
  EXPECT_EQ(named[0].identity.GetText(Field::kName), "web");
  EXPECT_EQ(named[0].identity.GetText(Field::kAgent), "a-1");
}

TEST(NamerTest, ContainerThatOnlyTheCriKnowsIsNamedByIt) {
  const test::UnixServer docker([](const std::string&) { return List("[]"); });
  const test::GrpcServer cri([](const std::string& method) {
    using test::ProtobufField;
    const bool is_list = method.ends_with("/ListContainers");
    const std::string name = ProtobufField(3, ProtobufField(1, "app"));
    return test::GrpcAnswer{.message =
                                is_list ? ProtobufField(1, ProtobufField(1, "abc") + name) : ""};
  });
  auto options = Options(docker.path());
  options.cri_sockets = {cri.path()};
  auto namer = *Namer::Start(options);

  namer->Want({7, model::EntityRef{70}, "abc", ""});

  const auto named = WaitForNames(*namer);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].identity.GetText(Field::kContainer), "app");
}

TEST(NamerTest, ContainerThatIsListedLaterIsAskedForAgain) {
  std::atomic<int> asked = 0;
  const test::UnixServer docker([&](const std::string&) {
    return List(++asked < 3 ? "[]" : R"([{"Id":"abc","Names":["/late"]}])");
  });
  auto namer = *Namer::Start(Options(docker.path()));

  namer->Want({7, model::EntityRef{70}, "abc", ""});

  const auto named = WaitForNames(*namer);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].identity.GetText(Field::kName), "late");
}

TEST(NamerTest, ManyBirthsAreAFewQuestions) {
  const test::UnixServer docker([](const std::string&) { return List("[]"); });
  auto options = Options(docker.path());
  options.gap = 100ms;
  auto namer = *Namer::Start(options);

  for (std::uint32_t slot = 1; slot <= 200; ++slot)
    namer->Want({slot, model::EntityRef{slot}, std::to_string(slot), ""});
  for (int i = 0; i < 500 && docker.connections() == 0; ++i) std::this_thread::sleep_for(10ms);

  EXPECT_GE(docker.connections(), 1);
  EXPECT_LT(docker.connections(), 20);
}

TEST(NamerTest, NobodyThereIsNoName) {
  auto namer = *Namer::Start(Options("/nonexistent/docker.sock"));
  namer->Want({7, model::EntityRef{70}, "abc", ""});
  namer->Forget(7);

  EXPECT_TRUE(namer->Take().empty());
}

}  // namespace
}  // namespace ballast::discover

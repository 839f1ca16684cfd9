#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "collector/base/fd.h"
#include "collector/net/stream_client.h"
#include "collector/net/stream_server.h"
#include "loop_support.h"

namespace ballast::net {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Bytes MakeBytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    char name[] = "/tmp/ballast-stream-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/records.sock";
  }
  ~StreamTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<StreamServer> Listen(StreamServer::Handlers handlers = {},
                                       std::size_t queue_bytes = 1 << 20) {
    auto server = StreamServer::Listen(
        loop_, {.path = path_, .max_clients = 2, .queue_bytes = queue_bytes}, std::move(handlers));
    EXPECT_TRUE(server) << server.error().ToString();
    return server ? *std::move(server) : nullptr;
  }
  StreamClientOptions ClientOptions() const {
    return {.path = path_, .retry_first = 1ms, .retry_most = 5ms};
  }
  // A peer without our code, which reads only when told.
  Fd RawClient() const {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  std::string folder_, path_;
  EventLoop loop_;
};

TEST_F(StreamTest, ClientGetsTheGreetingThenWhatIsBroadcast) {
  const auto server =
      Listen({.greeting = [] { return MakeBytes("key "); }, .on_bytes = {}, .on_closed = {}});
  std::string got;
  const StreamClient client(
      loop_, ClientOptions(),
      {.on_up = {}, .on_bytes = [&](std::string_view bytes) { got += bytes; }, .on_down = {}});

  ASSERT_TRUE(RunUntil(loop_, [&] { return got == "key "; }));
  server->Broadcast(MakeBytes("tick"));

  EXPECT_TRUE(RunUntil(loop_, [&] { return got == "key tick"; })) << got;
}

TEST_F(StreamTest, ServerGetsWhatTheClientSends) {
  std::string got;
  const auto server =
      Listen({.greeting = {},
              .on_bytes = [&](StreamServer::ClientId, std::string_view bytes) { got += bytes; },
              .on_closed = {}});
  StreamClient client(loop_, ClientOptions(), {});
  ASSERT_TRUE(RunUntil(loop_, [&] { return client.is_connected(); }));

  EXPECT_TRUE(client.Send("one "));
  EXPECT_TRUE(client.Send("two"));

  EXPECT_TRUE(RunUntil(loop_, [&] { return got == "one two"; })) << got;
}

TEST_F(StreamTest, ClientThatCannotFollowIsDroppedAndCounted) {
  const auto server = Listen();
  const Fd stalled = RawClient();
  ASSERT_TRUE(RunUntil(loop_, [&] { return server->clients() == 1; }));

  // More than the socket's own buffer and the queue take together.
  for (int i = 0; i < 40; ++i) server->Broadcast(MakeBytes(std::string(100'000, 'x')));

  EXPECT_TRUE(RunUntil(loop_, [&] { return server->clients() == 0; }));
  EXPECT_EQ(server->counters().dropped, 1U);
}

TEST_F(StreamTest, GreetingLargerThanTheQueueStillArrives) {
  const auto server = Listen({.greeting = [] { return MakeBytes(std::string(3'000'000, 'k')); },
                              .on_bytes = {},
                              .on_closed = {}});
  std::size_t got = 0;
  const StreamClient client(loop_, ClientOptions(),
                            {.on_up = {},
                             .on_bytes = [&](std::string_view bytes) { got += bytes.size(); },
                             .on_down = {}});

  EXPECT_TRUE(RunUntil(loop_, [&] { return got == 3'000'000; })) << got;
}

TEST_F(StreamTest, ClientsAboveTheBoundAreRefused) {
  const auto server = Listen();
  const Fd first = RawClient(), second = RawClient(), third = RawClient();

  ASSERT_TRUE(RunUntil(loop_, [&] { return server->counters().refused == 1; }));

  EXPECT_EQ(server->clients(), 2U);
}

TEST_F(StreamTest, DisconnectedClientIsClosedOnce) {
  std::vector<StreamServer::ClientId> closed;
  std::unique_ptr<StreamServer> server;
  server = Listen(
      {.greeting = {},
       .on_bytes = [&](StreamServer::ClientId id, std::string_view) { server->Disconnect(id); },
       .on_closed = [&](StreamServer::ClientId id) { closed.push_back(id); }});
  const Fd client = RawClient();
  ASSERT_EQ(::write(client.get(), "junk", 4), 4);

  ASSERT_TRUE(RunUntil(loop_, [&] { return !closed.empty(); }));

  EXPECT_EQ(closed.size(), 1U);
  EXPECT_EQ(server->clients(), 0U);
}

TEST_F(StreamTest, ClientComesBackAfterTheServerWasAway) {
  int ups = 0, downs = 0;
  const StreamClient client(
      loop_, ClientOptions(),
      {.on_up = [&] { ++ups; }, .on_bytes = {}, .on_down = [&](const Error&) { ++downs; }});
  ASSERT_TRUE(RunUntil(loop_, [&] { return downs == 1; }));  // nobody listens yet

  auto server = Listen();
  ASSERT_TRUE(RunUntil(loop_, [&] { return ups == 1; }));
  server.reset();
  ASSERT_TRUE(RunUntil(loop_, [&] { return downs == 2; }));
  server = Listen();

  EXPECT_TRUE(RunUntil(loop_, [&] { return ups == 2; }));
  EXPECT_EQ(downs, 2);
}

TEST_F(StreamTest, SendWithoutAConnectionTakesNothing) {
  StreamClient client(loop_, ClientOptions(), {});

  EXPECT_FALSE(client.Send("lost"));
}

TEST_F(StreamTest, ClientMayBeDestroyedInItsOwnHandler) {
  const auto server =
      Listen({.greeting = [] { return MakeBytes("key"); }, .on_bytes = {}, .on_closed = {}});
  std::unique_ptr<StreamClient> client;
  client = std::make_unique<StreamClient>(
      loop_, ClientOptions(),
      StreamClient::Handlers{
          .on_up = {}, .on_bytes = [&](std::string_view) { client.reset(); }, .on_down = {}});

  EXPECT_TRUE(RunUntil(loop_, [&] { return client == nullptr && server->clients() == 0; }));
}

TEST_F(StreamTest, SocketFileHasTheConfiguredModeAndGoesWithTheServer) {
  auto server = Listen();
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660U);

  server.reset();

  EXPECT_NE(::stat(path_.c_str(), &status), 0);
}

TEST_F(StreamTest, SocketOfAKilledServerIsReplaced) {
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  EXPECT_NE(Listen(), nullptr);
}

TEST_F(StreamTest, SocketInUseIsOneClearError) {
  const auto first = Listen();

  const auto second = StreamServer::Listen(loop_, {.path = path_}, {});

  ASSERT_FALSE(second);
  EXPECT_EQ(
      second.error().ToString(),
      "record socket: " + path_ + ": in use by another process; stop it or choose another path");
}

TEST_F(StreamTest, FileThatIsNoSocketIsLeftAlone) {
  ASSERT_EQ(::close(::creat(path_.c_str(), 0600)), 0);

  const auto server = StreamServer::Listen(loop_, {.path = path_}, {});

  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().ToString(), HasSubstr("is not a socket"));
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(StreamTest, PathLongerThanTheKernelTakesIsAnError) {
  const auto server = StreamServer::Listen(loop_, {.path = std::string(108, 'p')}, {});

  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().ToString(), HasSubstr("use 1 to 107 bytes"));
}

}  // namespace
}  // namespace ballast::net

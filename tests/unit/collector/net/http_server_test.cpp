#include "collector/net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <list>
#include <thread>

#include "tests/support/http_client.h"

namespace ballast::net {
namespace {

using namespace std::chrono_literals;
using test::RawHttpClient;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

HttpServerOptions SmallOptions() {
  return {.listen = "127.0.0.1:0",
          .max_connections = 256,
          .max_header_bytes = 2048,
          .max_body_bytes = 100,
          .read_timeout = 100ms,
          .idle_timeout = 2000ms,
          .write_timeout = 300ms};
}

// Pieces that another thread makes.
class MadeElsewhere final : public Body {
 public:
  explicit MadeElsewhere(EventLoop& loop, int pieces = 3) : loop_(loop), left_(pieces) { ++alive; }
  ~MadeElsewhere() override { --alive; }
  void Next(Done done) override {
    std::thread([this, done = std::move(done)] {
      const bool more = --left_ > 0;
      loop_.Post([done, more, n = left_.load()] {
        // One of them is empty, which is no end.
        done(n == 1 ? "" : "piece " + std::to_string(n) + "\n", more);
      });
    }).detach();
  }
  static inline std::atomic<int> alive = 0;

 private:
  EventLoop& loop_;
  std::atomic<int> left_;
};

// A server on a thread of its own, as in the collector; the test is the client.
class Running {
 public:
  explicit Running(HttpServerOptions options = SmallOptions()) {
    auto server =
        HttpServer::Listen(loop_, std::move(options),
                           {.handle = [this](const Request& request) { return Handle(request); },
                            .on_refused = [this](int status) { refused = status; }});
    EXPECT_TRUE(server) << server.error().ToString();
    server_ = *std::move(server);
    port = server_->port();
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~Running() {
    loop_.Stop();
    thread_.join();
  }

  template <typename Function>
  auto OnLoop(Function function) {
    std::promise<decltype(function())> result;
    loop_.Post([&] { result.set_value(function()); });
    return result.get_future().get();
  }

  unsigned short port = 0;
  std::atomic<int> refused = 0;
  EventFeed feed;

 private:
  Response Handle(const Request& request) {
    Response response;
    if (request.target.path == "/big") {
      response.body = std::string(50 << 20, 'x');
    } else if (request.target.path == "/pieces") {
      response.next_piece = [n = 0](std::string& piece) mutable {
        piece.append("piece ").append(std::to_string(++n)).append("\n");
        return n < 3;
      };
    } else if (request.target.path == "/elsewhere") {
      response.pieces = std::make_shared<MadeElsewhere>(loop_);
    } else if (request.target.path == "/endless") {
      response.pieces = std::make_shared<MadeElsewhere>(loop_, 1 << 30);
    } else if (request.target.path == "/events") {
      response.body = EventFeed::Format("hello", "1");
      response.feed = &feed;
    } else {
      response.body = request.method + " " + request.target.path + " " + request.body;
    }
    return response;
  }

  EventLoop loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

std::string Ask(unsigned short port, std::string_view request) {
  RawHttpClient client(port);
  EXPECT_TRUE(client.is_connected());
  client.Send(request);
  return client.ReadAll();
}

TEST(HttpServerTest, AnswersWithTheHandlersBody) {
  const Running server;

  const auto answer =
      Ask(server.port, "GET /a%20b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a b "));
}

TEST(HttpServerTest, HeadHasTheLengthButNoBody) {
  const Running server;

  const auto answer = Ask(server.port, "HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(HttpServerTest, ConnectionIsKeptForTheNextRequest) {
  const Running server;
  RawHttpClient client(server.port);

  client.Send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("GET /1"), HasSubstr("200 OK"));
  client.Send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(client.ReadUntil("GET /2"), HasSubstr("200 OK"));
}

TEST(HttpServerTest, RequestsSentTogetherAreAnsweredInOrder) {
  const Running server;

  const auto answer = Ask(
      server.port,
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_LT(answer.find("GET /1"), answer.find("GET /2"));
  EXPECT_NE(answer.find("GET /2"), std::string::npos);
}

TEST(HttpServerTest, PiecesArriveAsOneBody) {
  const Running server;

  const auto answer =
      Ask(server.port, "GET /pieces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_THAT(answer,
              EndsWith("\r\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n8\r\npiece 3\n\r\n0\r\n\r\n"));
}

TEST(HttpServerTest, PiecesReachAnOldClientWhole) {
  const Running server;

  const auto answer = Ask(server.port, "GET /pieces HTTP/1.0\r\n\r\n");

  EXPECT_THAT(answer, EndsWith("\r\n\r\npiece 1\npiece 2\npiece 3\n"));
}

TEST(HttpServerTest, PiecesOfAnotherThreadArriveAsOneBody) {
  const Running server;

  const auto answer =
      Ask(server.port, "GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n8\r\npiece 2\n\r\n8\r\npiece 0\n\r\n0\r\n\r\n"));
}

TEST(HttpServerTest, PiecesOfAnotherThreadReachAnOldClientWhole) {
  const Running server;

  const auto answer = Ask(server.port, "GET /elsewhere HTTP/1.0\r\n\r\n");

  EXPECT_THAT(answer, EndsWith("\r\n\r\npiece 2\npiece 0\n"));
}

TEST(HttpServerTest, ConnectionIsKeptAfterPiecesOfAnotherThread) {
  const Running server;
  RawHttpClient client(server.port);

  client.Send("GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n");
  client.ReadUntil("0\r\n\r\n");
  client.Send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(client.ReadUntil("GET /2"), HasSubstr("200 OK"));
}

TEST(HttpServerTest, EndlessPiecesEndWithTheirTime) {
  auto options = SmallOptions();
  options.pieces_timeout = 200ms;
  const Running server(options);

  const auto answer = Ask(server.port, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("piece"));
  EXPECT_THAT(answer, Not(EndsWith("0\r\n\r\n")));
}

struct BadRequest {
  const char* name;
  std::string bytes;
  int status;
};
void PrintTo(const BadRequest& bad, std::ostream* out) {
  *out << bad.name;
}
class BadRequestTest : public ::testing::TestWithParam<BadRequest> {};

TEST_P(BadRequestTest, IsAnsweredWithItsStatusAndAnError) {
  const Running server;

  const auto answer = Ask(server.port, GetParam().bytes);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status) + " "));
  EXPECT_THAT(answer, HasSubstr("{\"error\":\""));
  EXPECT_EQ(server.refused, GetParam().status);
}

// table
INSTANTIATE_TEST_SUITE_P(
    Table, BadRequestTest,
    ::testing::Values(
        BadRequest{"NoHttpAtAll", "hello\r\n\r\n", 400},
        BadRequest{"BadVersion", "GET / HTTP/9.9\r\n\r\n", 400},
        BadRequest{"BinaryNoise", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
                   400},
        BadRequest{"NoSlash", "GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        BadRequest{"BadEscape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        BadRequest{"BadLength", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400},
        BadRequest{"OversizedHeader", "GET / HTTP/1.1\r\nX: " + std::string(5000, 'x') + "\r\n\r\n",
                   431},
        BadRequest{"ManyHeaders",
                   "GET / HTTP/1.1\r\n" +
                       [] {
                         std::string many;
                         for (int i = 0; i < 500; ++i) many += "X-Y: z\r\n";
                         return many;
                       }() +
                       "\r\n",
                   431},
        BadRequest{"OversizedTarget", "GET /" + std::string(5000, 'x') + " HTTP/1.1\r\n\r\n", 414},
        BadRequest{
            "OversizedBody",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'),
            413},
        BadRequest{"OversizedChunks",
                   "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" +
                       std::string(5000, 'x') + "\r\n0\r\n\r\n",
                   413},
        BadRequest{"TwoLengths",
                   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: "
                   "4\r\n\r\nabcd",
                   400},
        // Who stands in front may see two requests where we see one.
        BadRequest{"LengthAndChunks",
                   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n0\r\n\r\nGET /x",
                   400},
        BadRequest{"SlowHeader", "GET / HTTP/1.1\r\nHo", 408},
        BadRequest{"SlowBody", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc", 408}),
    [](const auto& test) { return test.param.name; });

TEST(HttpServerTest, RequestThatTricklesInEndsWithItsTime) {
  const Running server;
  RawHttpClient client(server.port);

  // Each letter in time, the whole of it not; its end would be a good request.
  for (const char letter : std::string_view("GET /x HTTP/1.1\r\n")) {
    client.Send(std::string_view(&letter, 1));
    std::this_thread::sleep_for(20ms);
  }
  client.Send("Host: x\r\n\r\n");

  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 408 "));
}

TEST(HttpServerTest, ListenersCountAsConnections) {
  auto options = SmallOptions();
  options.max_connections = 3;
  const Running server(options);
  std::list<RawHttpClient> listeners;
  for (int i = 0; i < 3; ++i) {
    listeners.emplace_back(server.port).Send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_THAT(listeners.back().ReadUntil("data: 1\n\n"), HasSubstr("200 OK"));
  }

  const auto answer = Ask(server.port, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
}

TEST(HttpServerTest, IdleConnectionIsClosedAfterItsTime) {
  auto options = SmallOptions();
  options.idle_timeout = 50ms;
  const Running server(options);

  EXPECT_EQ(Ask(server.port, ""), "");
}

TEST(HttpServerTest, TwoHundredIdleConnectionsDelayNobody) {
  const Running server;
  std::list<RawHttpClient> idle;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(idle.emplace_back(server.port).is_connected());

  const auto answer = Ask(server.port, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("200 OK"));
}

TEST(HttpServerTest, ConnectionAboveTheBoundIsToldSo) {
  auto options = SmallOptions();
  options.max_connections = 2;
  const Running server(options);
  RawHttpClient first(server.port), second(server.port);

  const auto answer = Ask(server.port, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(answer, HasSubstr("503 Service Unavailable"));
  EXPECT_THAT(answer, HasSubstr("too many connections"));
}

TEST(HttpServerTest, ClientThatDoesNotReadIsClosed) {
  const Running server;
  RawHttpClient stalled(server.port);
  stalled.Send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");

  std::this_thread::sleep_for(500ms);  // the write timeout, which is real time

  EXPECT_LT(stalled.ReadAll().size(), 50U << 20);
}

TEST(HttpServerTest, FeedSendsItsEventsAfterTheBody) {
  Running server;
  RawHttpClient client(server.port);
  client.Send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("data: 1\n\n"), HasSubstr("text/event-stream"));

  server.OnLoop([&] {
    server.feed.Send("workloads", "{\n}");
    return 0;
  });

  EXPECT_THAT(client.ReadUntil("}\n\n"), HasSubstr("event: workloads\ndata: {\ndata: }\n\n"));
}

TEST(HttpServerTest, ListenerThatCannotFollowIsDropped) {
  auto options = SmallOptions();
  options.max_feed_queue_bytes = 1 << 20;
  Running server(options);
  RawHttpClient client(server.port);
  client.Send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_THAT(client.ReadUntil("data: 1\n\n"), HasSubstr("200 OK"));

  const auto dropped = server.OnLoop([&] {
    for (int i = 0; i < 100; ++i) server.feed.Send("x", std::string(500'000, 'x'));
    return server.feed.dropped();
  });

  EXPECT_EQ(dropped, 1U);
  EXPECT_EQ(server.OnLoop([&] { return server.feed.listeners(); }), 0U);
}

TEST(HttpServerTest, PortInUseIsOneClearError) {
  const Running first;
  EventLoop loop;
  const std::string address = "127.0.0.1:" + std::to_string(first.port);

  const auto second = HttpServer::Listen(loop, {.listen = address}, {});

  ASSERT_FALSE(second);
  EXPECT_EQ(
      second.error().ToString(),
      "HTTP server: " + address + ": in use by another process; stop it or choose another address");
}

TEST(HttpServerTest, AddressThatIsNoneIsOneClearError) {
  EventLoop loop;

  const auto server = HttpServer::Listen(loop, {.listen = "example.org:80"}, {});

  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().ToString(), HasSubstr("'example.org' is not a numeric address"));
}

}  // namespace
}  // namespace ballast::net

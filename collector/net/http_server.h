#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector/base/result.h"
#include "collector/net/authenticator.h"
#include "collector/net/event_feed.h"
#include "collector/net/event_loop.h"
#include "collector/net/http_message.h"
#include "collector/net/tls_files.h"

namespace ballast::net {

// Every bound answers or closes; none waits. Raise them for a busy proxy in front.
struct HttpServerOptions {
  std::string listen = "127.0.0.1:9435";
  std::size_t max_connections = 256;           // more: 503 at once
  std::size_t max_header_bytes = 16 << 10;     // more: 431, or 414 when the target alone is longer
  std::size_t max_body_bytes = 1 << 20;        // more: 413
  std::size_t max_feed_queue_bytes = 4 << 20;  // a listener further behind is dropped
  std::chrono::milliseconds read_timeout{5000};   // first byte to last byte of a request; then 408
  std::chrono::milliseconds idle_timeout{60000};  // between requests; then closed
  std::chrono::milliseconds write_timeout{
      30000};  // a whole response, or one piece of it; then closed
  std::chrono::milliseconds pieces_timeout{120000};  // all pieces of a response; then closed
  // Names in the Host header that a loopback address answers to, beside those that nobody can buy.
  std::vector<std::string> hosts = {};
  TlsFiles tls = {};
  AuthFiles auth = {};
  std::vector<std::string> open_paths = {};  // answered without credentials
};

// HTTP/1.1 on one loop's thread: keep-alive, pieces, server-sent events, TLS, credentials.
//
//   auto server = HttpServer::Listen(loop, {.listen = "127.0.0.1:9435"}, {.handle = Route});
//
// Handlers run on the loop's thread, one at a time, and are expected to take
// microseconds; malformed, oversized and slow requests never reach them.
class HttpServer {
 public:
  struct Handlers {
    std::function<Response(const Request&)> handle;
    // Answered without a handler: 400, 401, 408, 413, 414, 421, 431, 503.
    std::function<void(int status)> on_refused;
  };

  // A port in use is an error that names it and says what to do.
  static Result<std::unique_ptr<HttpServer>> Listen(EventLoop& loop, HttpServerOptions options,
                                                    Handlers handlers);
  ~HttpServer();

  // "127.0.0.1:9435", with the port that the kernel gave for port 0.
  std::string address() const;
  unsigned short port() const;
  std::size_t connections() const;
  // What credentials are limited to: label=value.
  std::vector<std::string> scopes() const;

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  // Its only owner; connections that outlive it by one turn look for it weakly.
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::net

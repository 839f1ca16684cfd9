#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collector/base/result.h"
#include "collector/net/bytes.h"
#include "collector/net/event_loop.h"

namespace ballast::net {

struct StreamClientOptions {
  std::string path;
  // Between attempts to connect: the first pause, doubled each time up to the second.
  std::chrono::milliseconds retry_first{50};
  std::chrono::milliseconds retry_most{2000};
  // What may wait to be sent; Send() refuses more.
  std::size_t queue_bytes = 16 << 20;
};

// Keeps a connection to a StreamServer, and comes back when it was lost.
//
//   StreamClient client(loop, {.path = path}, {.on_up = ..., .on_bytes = ..., .on_down = ...});
//
// Belongs to the loop's thread. Handlers are never called from the constructor
// or from Send(), and not after the destructor.
class StreamClient {
 public:
  struct Handlers {
    // A new connection: what was read before does not continue.
    std::function<void()> on_up;
    std::function<void(std::string_view)> on_bytes;
    // Lost, or the first of a series of attempts failed; not for each attempt.
    std::function<void(const Error&)> on_down;
  };

  StreamClient(EventLoop& loop, StreamClientOptions options, Handlers handlers);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  // In order, at once where the socket takes it. False: not connected, or the
  // queue is full; nothing was taken. What was taken may still be lost with the
  // connection.
  [[nodiscard]] bool Send(std::string bytes);
  bool is_connected() const;
  std::size_t queued_bytes() const;

 private:
  struct Impl;
  // Shared with pending operations, which outlive this object by one turn.
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::net

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collector/base/result.h"
#include "collector/net/bytes.h"
#include "collector/net/event_loop.h"

namespace ballast::net {

struct StreamServerOptions {
  std::string path;      // at most 107 bytes (sockaddr_un)
  unsigned mode = 0660;  // who may connect is who may write to the socket file
  std::size_t max_clients = 64;
  // What one client may be behind, beside its greeting, before it is dropped.
  // Raise it where readers stop for seconds (a debugger, a slow disk).
  std::size_t queue_bytes = 16 << 20;
};

// Sends the same bytes to every client of a Unix socket as they come and takes
// bytes from each. Frames are the caller's business.
//
//   auto server = StreamServer::Listen(loop, {.path = path}, {.greeting = [&] { return KeyFrame();
//   }, ...});
//   (*server)->Broadcast(frame);
//
// A client that cannot follow is disconnected and counted; it may come back and
// gets a new greeting. Belongs to the loop's thread.
class StreamServer {
 public:
  using ClientId = std::uint64_t;

  struct Handlers {
    // What a new client gets before everything broadcast later; may be null.
    std::function<Bytes()> greeting;
    std::function<void(ClientId, std::string_view)> on_bytes;
    std::function<void(ClientId)> on_closed;
  };
  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // over max_clients
    std::uint64_t dropped = 0;  // could not follow
  };

  // A stale socket file is replaced; one that somebody listens on is an error
  // that says so. The folder is made where it is missing (one level).
  static Result<std::unique_ptr<StreamServer>> Listen(EventLoop& loop, StreamServerOptions options,
                                                      Handlers handlers);
  ~StreamServer();

  void Broadcast(const Bytes& bytes);
  // Ends one client, for input that it should not have sent. May be called
  // from its on_bytes.
  void Disconnect(ClientId client);

  std::size_t clients() const;
  const Counters& counters() const;

 private:
  struct Impl;
  explicit StreamServer(std::shared_ptr<Impl> impl);
  // Shared with connections, which may outlive this object by one turn.
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::net

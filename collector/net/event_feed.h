#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "collector/net/bytes.h"

namespace ballast::net {

// Server-sent events to every browser that listens.
//
//   EventFeed feed;                       // handlers answer Response{.feed = &feed}
//   feed.Send("workloads", json);
//
// A listener that does not take its events is dropped and counted; EventSource
// comes back by itself. Belongs to the loop's thread.
class EventFeed {
 public:
  // One connection that listens; implemented by the HTTP server.
  class Listener {
   public:
    virtual ~Listener() = default;
    // False: it is gone or cannot follow.
    virtual bool Push(const Bytes& bytes) = 0;
  };

  // `data` on one line or more; each becomes its own data: line.
  void Send(std::string_view event, std::string_view data);
  // The bytes of one event, for a response's body.
  static std::string Format(std::string_view event, std::string_view data);

  void Add(std::weak_ptr<Listener> listener) { listeners_.push_back(std::move(listener)); }
  // Those that closed are noticed at the next Send().
  std::size_t listeners() const { return listeners_.size(); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::vector<std::weak_ptr<Listener>> listeners_;
  std::uint64_t dropped_ = 0;
};

}  // namespace ballast::net

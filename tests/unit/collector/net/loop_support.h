#pragma once

#include <chrono>
#include <functional>

#include "collector/net/event_loop.h"

namespace ballast::net {

// Runs the loop on this thread until `done` holds. False: it never did within a
// time that no working machine needs.
inline bool RunUntil(EventLoop& loop, const std::function<bool()>& done,
                     std::chrono::milliseconds limit = std::chrono::seconds(5)) {
  bool is_late = false;
  const auto watch = loop.Every(std::chrono::milliseconds(1), [&] {
    if (done()) loop.Stop();
  });
  const auto deadline = loop.After(limit, [&] {
    is_late = true;
    loop.Stop();
  });
  loop.Run();
  return !is_late;
}

}  // namespace ballast::net

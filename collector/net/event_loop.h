#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>

#include "collector/base/result.h"

namespace boost::asio {
class io_context;
}

namespace ballast::net {

// One thread's waiting: sockets, timers, descriptors, signals and work posted
// by other threads, without Asio in the headers of those who use it.
//
//   EventLoop loop;
//   auto tick = loop.Every(100ms, [&] { pipeline.Tick(); });
//   auto stop = loop.OnSignals({SIGINT, SIGTERM}, [&](int) { loop.Stop(); });
//   loop.Run();
//
// Post() and Stop() may be called from any thread; everything else, and every
// callback, belongs to the thread that calls Run() (or to the time before it).
class EventLoop {
 public:
  // Keeps a timer, a watch or a handler going. Destroying it cancels; the
  // callback is never called after that. Destroy before the loop.
  class Source {
   public:
    virtual ~Source() = default;
  };
  using Handle = std::unique_ptr<Source>;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Returns after Stop(), also when that came first.
  void Run();
  void Stop();
  // Runs `work` on the loop's thread, in order of posting, never inside Post().
  void Post(std::function<void()> work);

  [[nodiscard]] Handle After(std::chrono::nanoseconds delay, std::function<void()> work);
  // Free of drift. Beats that the work itself or the machine missed are left
  // out, not made up for.
  [[nodiscard]] Handle Every(std::chrono::nanoseconds interval, std::function<void()> work);
  // Calls again as long as `fd` stays readable (level-triggered). The
  // descriptor stays the caller's and must outlive the handle.
  [[nodiscard]] Result<Handle> WatchFd(int fd, std::function<void()> on_readable);
  [[nodiscard]] Handle OnSignals(std::initializer_list<int> signals,
                                 std::function<void(int)> on_signal);

  // For the other files of this folder.
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::net

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "collector/base/fd.h"
#include "collector/base/result.h"

namespace ballast::pipeline {

// The thread that the pipeline runs on: a timer at a fixed pace, descriptors
// that become readable, and calls posted by other threads.
//
//   auto loop = TickLoop::Make(100ms);
//   loop->Watch(source.event_fd(), [&] { pipeline.Drain(source); });
//   loop->Run([&] { pipeline.Tick(); });   // until Stop()
//
// Post() and Stop() are thread-safe and may be called before Run(); the rest
// belongs to the thread that calls Run().
class TickLoop {
 public:
  // Error: the kernel refused a descriptor.
  static Result<std::unique_ptr<TickLoop>> Make(std::chrono::milliseconds interval);
  TickLoop(const TickLoop&) = delete;
  TickLoop& operator=(const TickLoop&) = delete;

  // `ready` is called while `fd` is readable; the caller keeps both alive.
  Result<> Watch(int fd, std::function<void()> ready);
  // `call` runs on the loop's thread, soon.
  void Post(std::function<void()> call);
  void Run(const std::function<void()>& tick);
  void Stop();

  // Ticks that a late thread missed; they are not made up for.
  std::uint64_t missed_ticks() const { return missed_ticks_; }

 private:
  TickLoop(Fd epoll, Fd timer, Fd wake) : epoll_(std::move(epoll)), timer_(std::move(timer)), wake_(std::move(wake)) {}

  Result<> Add(int fd, std::uint64_t index);
  void Handle(std::uint64_t index, const std::function<void()>& tick);
  void RunPosted();

  Fd epoll_;
  Fd timer_;
  Fd wake_;
  std::vector<std::function<void()>> ready_;  // by index of Watch()
  std::uint64_t missed_ticks_ = 0;
  std::atomic<bool> stop_ = false;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace ballast::pipeline

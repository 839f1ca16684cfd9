#include "collector/pipeline/tick_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

namespace ballast::pipeline {
namespace {

// Indices of the loop's own descriptors; watched ones count from 0.
constexpr std::uint64_t kTimer = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kWake = kTimer - 1;

timespec ToTimespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

// Timers and eventfds hand out how often they fired; 0 if they did not.
std::uint64_t ReadCount(int fd) {
  std::uint64_t count = 0;
  return ::read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

}  // namespace

Result<std::unique_ptr<TickLoop>> TickLoop::Make(std::chrono::milliseconds interval) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.is_open() || !timer.is_open() || !wake.is_open()) return Error::FromErrno(errno, "tick loop");
  const itimerspec pace{ToTimespec(interval), ToTimespec(interval)};
  if (::timerfd_settime(timer.get(), 0, &pace, nullptr) != 0) return Error::FromErrno(errno, "tick loop: timer");

  std::unique_ptr<TickLoop> loop(new TickLoop(std::move(epoll), std::move(timer), std::move(wake)));
  BALLAST_TRY_DO(loop->Add(loop->timer_.get(), kTimer), "tick loop");
  BALLAST_TRY_DO(loop->Add(loop->wake_.get(), kWake), "tick loop");
  return loop;
}

Result<> TickLoop::Add(int fd, std::uint64_t index) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return Error::FromErrno(errno, "watch descriptor");
  return Ok();
}

Result<> TickLoop::Watch(int fd, std::function<void()> ready) {
  BALLAST_TRY_DO(Add(fd, ready_.size()), "tick loop");
  ready_.push_back(std::move(ready));
  return Ok();
}

void TickLoop::Post(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(call));
  }
  const std::uint64_t one = 1;
  // Cannot fail but by overflow, and then the loop is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void TickLoop::Stop() {
  stop_ = true;
  Post([] {});
}

void TickLoop::Run(const std::function<void()>& tick) {
  std::array<epoll_event, 16> events{};
  while (!stop_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count && !stop_; ++i) Handle(events[static_cast<std::size_t>(i)].data.u64, tick);
  }
}

void TickLoop::Handle(std::uint64_t index, const std::function<void()>& tick) {
  if (index == kTimer) {
    const std::uint64_t fired = ReadCount(timer_.get());
    if (fired == 0) return;
    missed_ticks_ += fired - 1;
    tick();
  } else if (index == kWake) {
    ReadCount(wake_.get());
    RunPosted();
  } else {
    ready_[index]();
  }
}

void TickLoop::RunPosted() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(posted_);
  }
  for (const auto& call : calls) call();
}

}  // namespace ballast::pipeline

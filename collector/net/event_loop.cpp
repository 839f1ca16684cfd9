#include "collector/net/event_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace ballast::net {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct EventLoop::Impl {
  // A hint: one thread runs it, so what a handler posts need not wake another. Posting stays
  // thread-safe.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

namespace {

// What a pending Asio operation refers to. Shared by the handle and the
// operation, because a cancelled operation still completes once.
template <typename Object>
struct Pending {
  template <typename... Args>
  explicit Pending(Args&&... args) : object(std::forward<Args>(args)...) {}
  Object object;
  bool is_cancelled = false;
};

class TimerSource final : public EventLoop::Source {
 public:
  using State = Pending<asio::steady_timer>;

  TimerSource(asio::io_context& context, std::chrono::nanoseconds delay,
              std::chrono::nanoseconds interval, std::function<void()> work)
      : state_(std::make_shared<State>(context)) {
    state_->object.expires_after(delay);
    Wait(state_, interval, std::move(work));
  }
  ~TimerSource() override {
    state_->is_cancelled = true;
    state_->object.cancel();
  }

 private:
  static void Wait(const std::shared_ptr<State>& state, std::chrono::nanoseconds interval,
                   std::function<void()> work) {
    state->object.async_wait(
        [state, interval, work = std::move(work)](const boost::system::error_code& error) mutable {
          if (error || state->is_cancelled) return;
          work();
          if (interval.count() == 0 || state->is_cancelled) return;
          auto next = state->object.expiry() + interval;
          if (const auto now = Clock::now(); next < now)
            next += (now - next) / interval * interval + interval;
          state->object.expires_at(next);
          Wait(state, interval, std::move(work));
        });
  }

  std::shared_ptr<State> state_;
};

class FdSource final : public EventLoop::Source {
 public:
  using State = Pending<asio::posix::stream_descriptor>;

  explicit FdSource(asio::io_context& context) : state_(std::make_shared<State>(context)) {}
  ~FdSource() override {
    state_->is_cancelled = true;
    if (state_->object.is_open()) state_->object.release();
  }
  boost::system::error_code Open(int fd, std::function<void()> on_readable) {
    boost::system::error_code error;
    state_->object.assign(fd, error);
    if (!error) Wait(state_, std::move(on_readable));
    return error;
  }

 private:
  static void Wait(const std::shared_ptr<State>& state, std::function<void()> on_readable) {
    state->object.async_wait(asio::posix::stream_descriptor::wait_read,
                             [state, on_readable = std::move(on_readable)](
                                 const boost::system::error_code& error) mutable {
                               if (error || state->is_cancelled) return;
                               on_readable();
                               if (!state->is_cancelled) Wait(state, std::move(on_readable));
                             });
  }

  std::shared_ptr<State> state_;
};

class SignalSource final : public EventLoop::Source {
 public:
  using State = Pending<asio::signal_set>;

  SignalSource(asio::io_context& context, std::initializer_list<int> signals,
               std::function<void(int)> on_signal)
      : state_(std::make_shared<State>(context)) {
    for (const int signal : signals) state_->object.add(signal);
    Wait(state_, std::move(on_signal));
  }
  ~SignalSource() override {
    state_->is_cancelled = true;
    state_->object.cancel();
  }

 private:
  static void Wait(const std::shared_ptr<State>& state, std::function<void(int)> on_signal) {
    state->object.async_wait([state, on_signal = std::move(on_signal)](
                                 const boost::system::error_code& error, int signal) mutable {
      if (error || state->is_cancelled) return;
      on_signal(signal);
      if (!state->is_cancelled) Wait(state, std::move(on_signal));
    });
  }

  std::shared_ptr<State> state_;
};

}  // namespace

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  impl_->context.run();
  impl_->context.restart();
}
void EventLoop::Stop() {
  impl_->context.stop();
}
void EventLoop::Post(std::function<void()> work) {
  asio::post(impl_->context, std::move(work));
}
asio::io_context& EventLoop::context() {
  return impl_->context;
}

EventLoop::Handle EventLoop::After(std::chrono::nanoseconds delay, std::function<void()> work) {
  return std::make_unique<TimerSource>(impl_->context, delay, std::chrono::nanoseconds(0),
                                       std::move(work));
}

EventLoop::Handle EventLoop::Every(std::chrono::nanoseconds interval, std::function<void()> work) {
  return std::make_unique<TimerSource>(impl_->context, interval, interval, std::move(work));
}

Result<EventLoop::Handle> EventLoop::WatchFd(int fd, std::function<void()> on_readable) {
  auto source = std::make_unique<FdSource>(impl_->context);
  if (const auto error = source->Open(fd, std::move(on_readable)))
    return Error(error, "watch descriptor " + std::to_string(fd));
  return Handle(std::move(source));
}

EventLoop::Handle EventLoop::OnSignals(std::initializer_list<int> signals,
                                       std::function<void(int)> on_signal) {
  return std::make_unique<SignalSource>(impl_->context, signals, std::move(on_signal));
}

}  // namespace ballast::net

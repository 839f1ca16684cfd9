#include "autoscaler/actuate/lease.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ballast::actuate {
namespace {

constexpr int kInternalError = 3;
using SteadyTime = std::chrono::steady_clock::time_point;

sigset_t ForwardedSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

// How the child ended, or that it has to be ended.
enum class Ending { kClosed, kSilent, kUnwilling };

class Watcher {
 public:
  Watcher(pid_t child, Fd beats, Fd signals, std::chrono::milliseconds timeout)
      : child_(child), beats_(std::move(beats)), signals_(std::move(signals)), timeout_(timeout) {}

  // Until the child has closed its end of the pipe, or has run out of time.
  Ending Watch() {
    Extend();
    for (;;) {
      pollfd wait[2] = {{beats_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      const int ready = ::poll(wait, 2, LeftMs());
      if (ready < 0 && errno == EINTR) continue;
      if ((wait[1].revents & POLLIN) != 0) Forward();
      if ((wait[0].revents & (POLLIN | POLLHUP)) != 0 && !TakeBeats()) return Ending::kClosed;
      if (std::chrono::steady_clock::now() >= deadline_)
        return stopping_ ? Ending::kUnwilling : Ending::kSilent;
    }
  }

 private:
  void Extend() { deadline_ = std::chrono::steady_clock::now() + timeout_; }

  int LeftMs() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }

  void Forward() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
    ::kill(child_, static_cast<int>(info.ssi_signo));
    if (info.ssi_signo == SIGHUP) return;  // reloads, and goes on
    // From here on heartbeats no longer buy time: it was told to end.
    if (!stopping_) Extend();
    stopping_ = true;
  }

  // False: the pipe is closed, the child is ending.
  bool TakeBeats() {
    char beats[256];
    const ssize_t got = ::read(beats_.get(), beats, sizeof beats);
    if (got == 0) return false;
    if (got > 0 && !stopping_) Extend();
    return true;
  }

  pid_t child_;
  Fd beats_;
  Fd signals_;
  std::chrono::milliseconds timeout_;
  SteadyTime deadline_;
  bool stopping_ = false;
};

int WaitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

[[noreturn]] void BeChild(pid_t parent, Fd pipe, const sigset_t& before,
                          const std::function<int(Heartbeat&)>& work) {
  // Without its watcher nobody would let the limits go: end with it, cleanly.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGHUP, SIG_IGN);  // until the work listens for it
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (::getppid() != parent) ::_exit(kInternalError);
  Heartbeat beat(std::move(pipe));
  const int status = work(beat);
  ::_exit(status);
}

}  // namespace

void Heartbeat::Beat() const {
  // A full pipe means the watcher is behind, and has beats to read.
  [[maybe_unused]] const ssize_t written = ::write(pipe_.get(), ".", 1);
}

int RunUnderLease(const LeaseOptions& options, const std::function<int(Heartbeat&)>& work,
                  const std::function<void(std::string_view why)>& release) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return kInternalError;
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const sigset_t forwarded = ForwardedSignals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &forwarded, &before);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    read_end.Reset();
    BeChild(parent, std::move(write_end), before, work);
  }
  Fd signals(::signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  write_end.Reset();
  if (child < 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return kInternalError;
  }
  Watcher watcher(child, std::move(read_end), std::move(signals), options.timeout);
  const Ending ending = watcher.Watch();
  // Ended before anything is released: it must not write after that.
  if (ending != Ending::kClosed) ::kill(child, SIGKILL);
  const int status = WaitFor(child);
  const bool by_itself = WIFEXITED(status) && WEXITSTATUS(status) <= kInternalError;
  if (ending == Ending::kSilent)
    release("the autoscaler stopped answering");
  else if (ending == Ending::kUnwilling)
    release("the autoscaler did not end when told to");
  else if (!by_itself)
    release("the autoscaler died");
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (ending != Ending::kClosed) return kInternalError;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace ballast::actuate

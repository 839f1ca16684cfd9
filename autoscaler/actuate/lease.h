#pragma once

// Limits hold a lease. The program forks early: the parent is a small watcher,
// the child works and shows that it lives. When the child dies, or stops
// showing it, the watcher ends it and lets the limits go:
//
//   return RunUnderLease(options, [&](Heartbeat& beat) { ... beat.Beat(); ... },
//                        [&](std::string_view why) { release(); });
//
// kill -9 of both is what `ballast release` is for.
//
// Requires: called before any thread is started.

#include <chrono>
#include <functional>
#include <string_view>

#include "collector/base/fd.h"

namespace ballast::actuate {

// The child's side. Beat() is one write to a pipe and never blocks; any thread.
class Heartbeat {
 public:
  explicit Heartbeat(Fd pipe) : pipe_(std::move(pipe)) {}
  void Beat() const;

 private:
  Fd pipe_;
};

struct LeaseOptions {
  // Without a heartbeat for so long the child counts as dead. Raise it on hosts
  // that stall for seconds; lower it where a stuck limit hurts at once.
  std::chrono::milliseconds timeout{3000};
};

// Runs `work` in a child process, `release` here. SIGTERM, SIGINT and SIGHUP are
// passed on; a child that does not end within the timeout after one of the first
// two is killed.
// Returns the child's exit status; 128 + signal if one killed it; 3 if it was
// ended for silence or could not be started. `release` is called unless the
// child ended with status 0 to 3 by itself, which it does only after it has
// released its own limits.
int RunUnderLease(const LeaseOptions& options, const std::function<int(Heartbeat&)>& work,
                  const std::function<void(std::string_view why)>& release);

}  // namespace ballast::actuate

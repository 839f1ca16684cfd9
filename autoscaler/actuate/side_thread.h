#pragma once

// One call that may block, off the loop's thread: daemons hang, and the loop may
// not. At most one call at a time; what it touches is left alone meanwhile.
//
//   SideThread aside("ballast-told");
//   aside.Begin([=] { UpdateContainer(...); });
//   if (!aside.Wait(50ms)) ...  // it goes on; is_busy() until it has ended
//
// A call that never returns costs its thread: destruction does not wait for it, so
// `work` owns everything that it uses. Not thread-safe; owned by the loop.

#include <chrono>
#include <functional>
#include <memory>

namespace ballast::actuate {

class SideThread {
 public:
  // `name` as the kernel shows it, at most 15 characters. The thread begins with the first call.
  explicit SideThread(const char* name) : name_(name) {}
  ~SideThread();
  SideThread(SideThread&&) noexcept = default;
  SideThread& operator=(SideThread&&) = delete;

  bool is_busy() const;
  // Requires: !is_busy().
  void Begin(std::function<void()> work);
  // Whether it has ended; waits so long for it. What `work` wrote is seen after true.
  bool Wait(std::chrono::milliseconds patience) const;

 private:
  struct Shared;  // the second owner is the thread

  const char* name_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace ballast::actuate

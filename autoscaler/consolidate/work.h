#pragma once

// Work is counted in steps that cost about the same everywhere (one fit test,
// one tree node, one knapsack node), so that a limit on it gives the same answer
// on any machine. A clock may only stop the search; it never steers it.

#include <cstdint>
#include <functional>
#include <limits>

namespace ballast::consolidate {

class WorkMeter {
 public:
  // `should_stop` is asked now and then; once it says true, the meter is
  // exhausted for good. Empty: never.
  explicit WorkMeter(std::int64_t limit = std::numeric_limits<std::int64_t>::max(),
                     std::function<bool()> should_stop = {})
      : limit_(limit), should_stop_(std::move(should_stop)) {}

  void Spend(std::int64_t units) {
    used_ += units;
    if (used_ >= next_check_) Check();
  }
  bool exhausted() const { return stopped_ || used_ >= limit_; }
  bool stopped() const { return stopped_; }
  std::int64_t used() const { return used_; }

 private:
  // About a millisecond of work between two looks at the clock.
  static constexpr std::int64_t kCheckEvery = 100'000;

  void Check() {
    next_check_ = used_ + kCheckEvery;
    if (should_stop_ && should_stop_()) stopped_ = true;
  }

  std::int64_t limit_;
  std::function<bool()> should_stop_;
  std::int64_t used_ = 0;
  std::int64_t next_check_ = kCheckEvery;
  bool stopped_ = false;
};

}  // namespace ballast::consolidate

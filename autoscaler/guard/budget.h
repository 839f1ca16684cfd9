#pragma once

#include <algorithm>

#include "collector/base/clock.h"

namespace ballast::guard {

// So many changes per stretch of time, refilled evenly (a token bucket in the
// records' time). Not thread-safe; owned by the loop.
class Budget {
 public:
  Budget(double changes, std::chrono::nanoseconds per)
      : most_(changes), left_(changes), per_(per) {}

  int Left(BootTime at) {
    if (at > at_)
      left_ = std::min(
          most_, left_ + most_ * ((at - at_) / std::chrono::duration<double, std::nano>(per_)));
    at_ = std::max(at_, at);
    return static_cast<int>(left_);
  }
  void Spend() { left_ = std::max(0.0, left_ - 1); }

 private:
  double most_;
  double left_;
  std::chrono::nanoseconds per_;
  BootTime at_{};
};

}  // namespace ballast::guard

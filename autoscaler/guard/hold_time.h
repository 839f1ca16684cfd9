#pragma once

#include <algorithm>
#include <optional>

#include "collector/base/clock.h"

namespace ballast::guard {

// How long a lowered limit is expected to stay down: what a change saves, it saves for so long.
// Learned from how long this limit stayed down before it had to rise again; several steps down are
// one fall. Time is the records' own. Not thread-safe; owned by the loop.
class HoldTime {
 public:
  using Seconds = std::chrono::duration<double>;

  void Lowered(BootTime at) {
    if (!down_since_) down_since_ = at;
  }
  void Raised(BootTime at) {
    if (!down_since_) return;
    expected_ += kNewest * (Seconds(at - *down_since_) - expected_);
    down_since_.reset();
  }
  // At least as long as it has been down already.
  Seconds Expected(BootTime at) const {
    return down_since_ ? std::max<Seconds>(expected_, at - *down_since_) : expected_;
  }

 private:
  // Nothing is known yet: two quiet stretches of an agent, so that a first fall is never refused.
  static constexpr Seconds kAtFirst{10};
  static constexpr double kNewest = 0.3;

  Seconds expected_ = kAtFirst;
  std::optional<BootTime> down_since_;
};

}  // namespace ballast::guard

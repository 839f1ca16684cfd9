#pragma once

// The only way project code learns the time. Tests pass a ManualClock and move
// it; nothing sleeps in a unit test, and pure modules take time from records.

#include <time.h>

#include <chrono>

namespace ballast {

// Since boot, suspend included (CLOCK_BOOTTIME): the time of every record.
using BootTime = std::chrono::nanoseconds;
// Since 1970 (CLOCK_REALTIME). WallTime - BootTime is a record's wall offset.
using WallTime = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual BootTime Now() const = 0;
  virtual WallTime Wall() const = 0;
};

// Thread-safe: holds nothing.
class SystemClock final : public Clock {
 public:
  BootTime Now() const override { return Read(CLOCK_BOOTTIME); }
  WallTime Wall() const override { return Read(CLOCK_REALTIME); }

 private:
  static std::chrono::nanoseconds Read(clockid_t id) {
    timespec now{};
    ::clock_gettime(id, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  }
};

// Not thread-safe; owned by one test.
class ManualClock final : public Clock {
 public:
  BootTime Now() const override { return now_; }
  WallTime Wall() const override { return now_ + offset_; }
  void Advance(std::chrono::nanoseconds by) { now_ += by; }
  void SetWallOffset(std::chrono::nanoseconds offset) { offset_ = offset; }

 private:
  std::chrono::nanoseconds now_{};
  std::chrono::nanoseconds offset_{};
};

}  // namespace ballast

#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collector/base/fd.h"
#include "collector/base/result.h"

namespace ballast::record {

struct FlightRecorderOptions {
  std::string path;
  // The file is renamed to PATH.1 (replacing the one before) at half of this,
  // so both together stay below it.
  std::uint64_t max_bytes = 256ULL << 20;
  // What may wait for a slow disk; beyond it frames are dropped and counted.
  std::size_t queue_bytes = 16 << 20;
};

// Appends frames to a file on a thread of its own, so that a slow or full disk
// never delays a tick. A frame is a key record where `is_key` is set; a new
// file begins at the next key, so that each file can be read alone.
//
// After an error (a full disk) frames are dropped and counted until a write at
// the next key succeeds; a frame cut by the error is passed over by readers.
// Append() and counters() are thread-safe.
class FlightRecorder {
 public:
  struct Counters {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t dropped_frames = 0;
    std::uint64_t write_errors = 0;
    std::string last_error;  // empty while all is well
  };

  // Error: the file cannot be opened for appending.
  static Result<std::unique_ptr<FlightRecorder>> Open(FlightRecorderOptions options);
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;
  // Writes what is queued.
  ~FlightRecorder();

  void Append(std::string frame, bool is_key);
  Counters counters() const;

 private:
  struct Frame {
    std::string bytes;
    bool is_key = false;
  };

  FlightRecorder(FlightRecorderOptions options, Fd fd, std::uint64_t size);
  void Run();
  void WriteOut(const Frame& frame);
  Result<> Rotate();

  const FlightRecorderOptions options_;

  mutable std::mutex mutex_;  // guards the four below
  std::condition_variable wake_;
  std::vector<Frame> queue_;
  std::size_t queued_bytes_ = 0;
  bool stop_ = false;
  Counters counters_;

  // The writer thread's alone.
  Fd fd_;
  std::uint64_t size_ = 0;
  bool broken_ = false;
  std::jthread thread_;
};

}  // namespace ballast::record

#pragma once

#include <atomic>
#include <cstddef>

namespace ballast::serve {

// Bytes handed to another thread and not yet taken up: bounds what a thread
// that hangs can cost. Thread-safe.
class Backlog {
 public:
  explicit Backlog(std::size_t bound) : bound_(bound) {}

  // False: over the bound; the caller drops what it has.
  bool Take(std::size_t bytes) {
    if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bound_) return true;
    Done(bytes);
    return false;
  }
  void Done(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const std::size_t bound_;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace ballast::serve

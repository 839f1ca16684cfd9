#pragma once

// Events on their way to the collector, which alone sequences and records them.
// While it is away they wait here, oldest dropped first and counted, and are
// marked late when they go.
//
// Not thread-safe; owned by the loop.

#include <cstdint>
#include <deque>
#include <functional>

#include "collector/model/record.h"

namespace ballast::control {

class Outbox {
 public:
  // 4,096 decisions of three changes are about 4 MB.
  explicit Outbox(std::size_t capacity = 4096) : capacity_(capacity) {}

  void Push(model::Event event);
  // Until `send` answers false: then the collector is away, and what is left is late.
  void Drain(const std::function<bool(const model::Event&)>& send);

  std::size_t waiting() const { return events_.size(); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::size_t capacity_;
  std::deque<model::Event> events_;
  std::uint64_t dropped_ = 0;
};

}  // namespace ballast::control

#pragma once

#include <string>

namespace ballast::serve {

// Where a signal comes from and why not from somewhere better.
struct SourceStatus {
  std::string what;  // "run_queue_wait"
  std::string via;   // "bpf", "file", "absent"
  std::string why;   // empty: it is the best there is
};

}  // namespace ballast::serve

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "collector/base/result.h"

namespace ballast::runtime {

// What a QEMU process tells about itself over its machine protocol.
struct QmpAnswer {
  std::string name;                                           // -name; empty: none was given
  std::optional<std::uint64_t> balloon_bytes = std::nullopt;  // absent: no balloon device
  std::map<std::uint32_t, int> vcpus;                         // index -> host thread id
};

// One short conversation: query-name, query-balloon, query-cpus-fast. At most
// half a second. Blocking. query-stats is left out on purpose: under TCG it kills
// QEMU 7.2.
Result<QmpAnswer> AskQmp(const std::string& socket_path);

}  // namespace ballast::runtime

#pragma once

// The text of /proc/<pid>/net/dev: counters of a network namespace's interfaces.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ballast::source {

struct InterfaceCounts {
  std::string name;
  std::uint64_t receive_bytes = 0, receive_packets = 0, receive_errors = 0, receive_drops = 0;
  std::uint64_t transmit_bytes = 0, transmit_packets = 0, transmit_errors = 0, transmit_drops = 0;

  friend bool operator==(const InterfaceCounts&, const InterfaceCounts&) = default;
};

// Without the loopback, as cAdvisor has it. Lines that are not understood are left out.
std::vector<InterfaceCounts> ParseNetDev(std::string_view text);

}  // namespace ballast::source

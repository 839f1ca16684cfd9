#pragma once

// The texts of /proc and /sys that describe the host.

#include <cstdint>
#include <optional>
#include <string_view>

namespace ballast::source {

// Since boot, all CPUs; without guest time (it is part of user time) and steal.
struct HostCpu {
  std::uint64_t user_ns = 0;    // with nice
  std::uint64_t system_ns = 0;  // with interrupts
  std::uint64_t busy_ns = 0;    // both
};
// The first line of /proc/stat.
std::optional<HostCpu> ParseProcStat(std::string_view text);

struct HostMemory {
  std::optional<std::uint64_t> total_bytes;
  std::optional<std::uint64_t> available_bytes;
};
HostMemory ParseMeminfo(std::string_view text);

// CPUs in a list such as "0-3,8" (/sys/devices/system/cpu/online). nullopt: not such a list.
std::optional<std::uint64_t> CountCpus(std::string_view text);

}  // namespace ballast::source

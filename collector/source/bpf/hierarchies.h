#pragma once

// The mounted cgroup hierarchies that hold what is measured: cgroup2 and, on
// hybrid and legacy hosts, v1's cpu, cpuacct and memory (which may share one).
// Thread-safe: plain values.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"

namespace ballast {

struct Hierarchy {
  std::uint64_t id = 0;  // 0: cgroup2; as in /proc/self/cgroup
  std::string mount;     // where its root is mounted: /sys/fs/cgroup/unified
  std::vector<std::string> controllers;  // v1 only
  bool is_v2() const { return id == 0; }
};

// Pure: from the text of /proc/self/cgroup and /proc/self/mountinfo. The first
// mount of a hierarchy's root wins; bind mounts of sub-directories do not count.
std::vector<Hierarchy> ParseHierarchies(std::string_view proc_cgroup, std::string_view mountinfo);

// cgroup2 first. An error only if /proc cannot be read or nothing is mounted.
Result<std::vector<Hierarchy>> ReadHierarchies();

}  // namespace ballast

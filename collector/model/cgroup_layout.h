#pragma once

// How this host's cgroups are mounted: pure cgroup2, hybrid (v1 controllers and
// a cgroup2 tree beside them) or v1 alone. Both daemons need it: the collector
// to find workloads, the autoscaler to know which file holds which limit.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/model/entity.h"

namespace ballast::model {

struct Hierarchy {
  std::uint32_t id = 0;  // 0: cgroup2; else as in /proc/cgroups
  bool is_v2 = false;
  std::string mount_point;               // without a slash at the end
  std::vector<std::string> controllers;  // v1 only: "cpu", "cpuacct", ... or "name=systemd"

  friend bool operator==(const Hierarchy&, const Hierarchy&) = default;
};

struct CgroupLayout {
  std::vector<Hierarchy> hierarchies;

  // nullptr: there is no such mount.
  const Hierarchy* FindV2() const;
  // The v1 hierarchy that has the controller; nullptr where cgroup2 has it or nobody.
  const Hierarchy* FindV1(std::string_view controller) const;

  friend bool operator==(const CgroupLayout&, const CgroupLayout&) = default;
};

// From the texts of /proc/self/mountinfo and /proc/cgroups. Of several mounts
// of a hierarchy the first whole one (root "/") counts. Error: no cgroup mount.
Result<CgroupLayout> ParseCgroupLayout(std::string_view mountinfo, std::string_view proc_cgroups);
// The same for this process's view of the host.
Result<CgroupLayout> ReadCgroupLayout();

// One directory of a workload.
struct CgroupDirectory {
  std::uint32_t hierarchy_id = 0;
  std::uint64_t id = 0;   // kernfs id; the directory's inode number on 64-bit kernels
  std::string directory;  // absolute

  friend bool operator==(const CgroupDirectory&, const CgroupDirectory&) = default;
};

// The directories that exist under `path` ("/docker/<id>") in each hierarchy.
std::vector<CgroupDirectory> FindDirectories(const CgroupLayout& layout, std::string_view path);
// The key rule of DESIGN section 3: the cgroup2 group where it is there and
// not the root, else the first v1 directory. nullopt: no directory at all.
std::optional<WorkloadKey> KeyOf(const std::vector<CgroupDirectory>& directories);

}  // namespace ballast::model

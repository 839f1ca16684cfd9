#pragma once

#include <string>
#include <string_view>

namespace ballast::actuate {

// Where the hierarchies are mounted; empty: not mounted. On hybrid hosts a
// controller is in one of them, and a directory tells which by its files.
struct CgroupRoots {
  std::string unified;       // cgroup2
  std::string cpu;           // v1
  std::string memory;        // v1
  std::string freezer = {};  // v1
};

// From the text of /proc/self/mountinfo (proc(5)): the first mount of each whole hierarchy.
CgroupRoots RootsFromMountinfo(std::string_view mountinfo);

// From the text of a /proc/<pid>/cgroup (cgroups(7)): whether the process is in the group `path`,
// or below it, in any hierarchy.
bool LivesIn(std::string_view proc_cgroup, std::string_view path);

}  // namespace ballast::actuate

#pragma once

// The directories of a cgroup tree, parents before children.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ballast::discover {

struct WalkBounds {
  // Directories seen before a walk gives up; a fork bomb of groups must not hold the tick thread.
  std::size_t max_directories = 200'000;
  // Levels below the mount point; each holds one descriptor while it is read.
  std::size_t max_depth = 32;
};

struct WalkResult {
  std::size_t directories = 0;
  // A bound was met or a directory could not be read: what was not seen may well exist.
  bool is_complete = true;
};

enum class Descend { kYes, kNo };

// `path` is below `mount_point` and begins with a slash; `id` is the kernfs id.
// Costs a readdir per directory that has children and one stat per directory
// entered; leaves (most of all) are not opened, because a cgroup's directory
// lists some 60 files.
WalkResult WalkCgroups(
    const std::string& mount_point, const WalkBounds& bounds,
    const std::function<Descend(const std::string& path, std::uint64_t id)>& visit);

}  // namespace ballast::discover

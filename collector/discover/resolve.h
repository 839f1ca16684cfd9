#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collector/base/result.h"

namespace ballast::discover {

// The path below `mount_point` of the cgroup with this kernfs id, without
// looking through the tree: kernfs ids are file handles (open_by_handle_at(2),
// handle type FILEID_KERNFS). nullopt: there is no such group any more. Error:
// it cannot be asked, because CAP_DAC_READ_SEARCH is missing or the file system
// is no cgroup tree.
Result<std::optional<std::string>> FindCgroupPath(const std::string& mount_point, std::uint64_t id);

}  // namespace ballast::discover

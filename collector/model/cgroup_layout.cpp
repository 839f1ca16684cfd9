#include "collector/model/cgroup_layout.h"

#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "collector/base/file.h"

namespace ballast::model {
namespace {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

// mountinfo writes space, tab, newline and backslash as \ooo (proc(5)).
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

struct Mount {
  std::string root, mount_point, type, super_options;
};

// 36 35 98:0 /root /mount opts optional... - type source super_options
std::optional<Mount> ParseMount(const std::string& line) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  const auto before = Split(std::string_view(line).substr(0, dash), ' ');
  const auto after = Split(std::string_view(line).substr(dash + 3), ' ');
  if (before.size() < 5 || after.size() < 3) return std::nullopt;
  return Mount{before[3], Unescape(before[4]), after[0], after[2]};
}

std::uint32_t HierarchyNumber(std::string_view proc_cgroups, const std::string& controller) {
  std::istringstream lines{std::string(proc_cgroups)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint32_t number = 0;
    if (words >> name >> number && name == controller) return number;
  }
  return 0;
}

// The controllers among the options of a v1 mount ("rw,cpu,cpuacct").
std::vector<std::string> Controllers(const std::string& super_options) {
  static constexpr std::string_view kOptions[] = {
      "rw", "ro", "clone_children", "xattr", "noprefix", "cpuset_v2_mode", "none"};
  std::vector<std::string> controllers;
  for (const std::string& option : Split(super_options, ','))
    if (std::ranges::find(kOptions, option) == std::end(kOptions) &&
        !option.starts_with("release_agent"))
      controllers.push_back(option);
  return controllers;
}

}  // namespace

const Hierarchy* CgroupLayout::FindV2() const {
  const auto found = std::ranges::find_if(hierarchies, &Hierarchy::is_v2);
  return found == hierarchies.end() ? nullptr : &*found;
}

const Hierarchy* CgroupLayout::FindV1(std::string_view controller) const {
  for (const Hierarchy& hierarchy : hierarchies)
    if (!hierarchy.is_v2 &&
        std::ranges::find(hierarchy.controllers, controller) != hierarchy.controllers.end())
      return &hierarchy;
  return nullptr;
}

Result<CgroupLayout> ParseCgroupLayout(std::string_view mountinfo, std::string_view proc_cgroups) {
  CgroupLayout layout;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    const auto mount = ParseMount(line);
    // A mount of a part (a container's bind mount) would hide most workloads.
    if (!mount || mount->root != "/" || (mount->type != "cgroup" && mount->type != "cgroup2"))
      continue;
    Hierarchy hierarchy{.id = 0,
                        .is_v2 = mount->type == "cgroup2",
                        .mount_point = mount->mount_point,
                        .controllers = {}};
    if (!hierarchy.is_v2) {
      hierarchy.controllers = Controllers(mount->super_options);
      // Named hierarchies without a controller (name=systemd) limit nothing.
      for (const std::string& controller : hierarchy.controllers)
        if (hierarchy.id == 0) hierarchy.id = HierarchyNumber(proc_cgroups, controller);
      if (hierarchy.id == 0) continue;
    }
    const bool repeated = std::ranges::any_of(layout.hierarchies, [&](const Hierarchy& known) {
      return known.id == hierarchy.id && known.is_v2 == hierarchy.is_v2;
    });
    if (!repeated) layout.hierarchies.push_back(std::move(hierarchy));
  }
  if (layout.hierarchies.empty())
    return Error::Invalid(
        "no cgroup file system is mounted whole; mount one: mount -t cgroup2 none /sys/fs/cgroup");
  return layout;
}

Result<CgroupLayout> ReadCgroupLayout() {
  BALLAST_TRY(const std::string mountinfo, ReadSmallFile("/proc/self/mountinfo", 16 << 20),
              "cgroup layout");
  // Absent on kernels without v1 controllers; then no number is needed.
  const auto cgroups = ReadSmallFile("/proc/cgroups");
  return ParseCgroupLayout(mountinfo, cgroups ? *cgroups : std::string());
}

std::vector<CgroupDirectory> FindDirectories(const CgroupLayout& layout, std::string_view path) {
  std::vector<CgroupDirectory> found;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const std::string directory = hierarchy.mount_point + std::string(path);
    struct stat status {};
    if (::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
      found.push_back({hierarchy.id, status.st_ino, directory});
  }
  return found;
}

std::optional<WorkloadKey> KeyOf(const std::vector<CgroupDirectory>& directories) {
  if (directories.empty()) return std::nullopt;
  const auto v2 = std::ranges::find(directories, 0U, &CgroupDirectory::hierarchy_id);
  const CgroupDirectory& chosen = v2 != directories.end() ? *v2 : directories.front();
  return WorkloadKey{chosen.id, chosen.hierarchy_id};
}

}  // namespace ballast::model

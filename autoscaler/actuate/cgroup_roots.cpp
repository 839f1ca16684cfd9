#include "autoscaler/actuate/cgroup_roots.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "autoscaler/actuate/actuator.h"

namespace ballast::actuate {
namespace {

struct Mount {
  std::string root;   // which directory of the filesystem is mounted
  std::string point;  // where
  std::string type;
  std::string options;  // of the superblock: the controllers
};

// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
bool ParseLine(const std::string& line, Mount& mount) {
  std::istringstream words(line);
  std::string id, parent, device, word;
  if (!(words >> id >> parent >> device >> mount.root >> mount.point)) return false;
  while (words >> word && word != "-") {
  }
  std::string source;
  return static_cast<bool>(words >> mount.type >> source >> mount.options);
}

bool HasOption(const std::string& options, std::string_view wanted) {
  std::istringstream list(options);
  for (std::string option; std::getline(list, option, ',');)
    if (option == wanted) return true;
  return false;
}

void Take(std::string& root, const Mount& mount) {
  if (root.empty()) root = mount.point;
}

}  // namespace

CgroupRoots RootsFromMountinfo(std::string_view mountinfo) {
  CgroupRoots roots;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    Mount mount;
    if (!ParseLine(line, mount) || mount.root != "/") continue;
    if (mount.type == "cgroup2") Take(roots.unified, mount);
    if (mount.type != "cgroup") continue;
    if (HasOption(mount.options, "cpu")) Take(roots.cpu, mount);
    if (HasOption(mount.options, "memory")) Take(roots.memory, mount);
    if (HasOption(mount.options, "freezer")) Take(roots.freezer, mount);
  }
  return roots;
}

bool LivesIn(std::string_view proc_cgroup, std::string_view path) {
  while (!proc_cgroup.empty()) {  // "4:memory:/machine/guest"
    const std::string_view line = proc_cgroup.substr(0, proc_cgroup.find('\n'));
    proc_cgroup.remove_prefix(std::min(proc_cgroup.size(), line.size() + 1));
    const std::size_t second = line.find(':', line.find(':') + 1);
    if (second != std::string_view::npos && IsBelow(line.substr(second + 1), path)) return true;
  }
  return false;
}

}  // namespace ballast::actuate

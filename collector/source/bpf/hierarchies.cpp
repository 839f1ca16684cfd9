#include "collector/source/bpf/hierarchies.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "collector/base/file.h"

namespace ballast {
namespace {

constexpr std::array<std::string_view, 3> kMeasured = {"cpu", "cpuacct", "memory"};

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// "4:memory:/" or "0::/"; other controllers' hierarchies are left out.
std::optional<Hierarchy> ParseMembership(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  Hierarchy found;
  if (std::from_chars(line.data(), line.data() + first, found.id).ec != std::errc{}) return std::nullopt;
  for (std::string_view name : Split(line.substr(first + 1, second - first - 1), ','))
    found.controllers.emplace_back(name);
  const bool measured = std::ranges::any_of(
      found.controllers, [](const std::string& name) { return std::ranges::count(kMeasured, name) > 0; });
  if (!measured && !found.is_v2()) return std::nullopt;
  return found;
}

// "30 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory": the fields
// after " - " are type, source and options. Only root "/" is the hierarchy's.
bool Mounts(std::string_view line, const Hierarchy& hierarchy, std::string& where) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return false;
  const auto head = Split(line.substr(0, dash), ' ');
  const auto tail = Split(line.substr(dash + 3), ' ');
  if (head.size() < 5 || tail.size() < 3 || head[3] != "/") return false;
  if (tail[0] != (hierarchy.is_v2() ? "cgroup2" : "cgroup")) return false;
  const auto options = Split(tail[2], ',');
  const bool same = std::ranges::all_of(hierarchy.controllers, [&](const std::string& name) {
    return std::ranges::count(options, name) > 0;
  });
  if (same) where = head[4];
  return same;
}

}  // namespace

std::vector<Hierarchy> ParseHierarchies(std::string_view proc_cgroup, std::string_view mountinfo) {
  std::vector<Hierarchy> all;
  const auto mounts = Split(mountinfo, '\n');
  for (std::string_view line : Split(proc_cgroup, '\n')) {
    auto hierarchy = ParseMembership(line);
    if (!hierarchy) continue;
    for (std::string_view mount : mounts)
      if (Mounts(mount, *hierarchy, hierarchy->mount)) break;
    if (!hierarchy->mount.empty()) all.push_back(*std::move(hierarchy));
  }
  std::ranges::sort(all, {}, &Hierarchy::id);
  return all;
}

Result<std::vector<Hierarchy>> ReadHierarchies() {
  BALLAST_TRY(const std::string memberships, ReadSmallFile("/proc/self/cgroup"), "find cgroups");
  BALLAST_TRY(const std::string mounts, ReadSmallFile("/proc/self/mountinfo"), "find cgroups");
  auto found = ParseHierarchies(memberships, mounts);
  if (found.empty())
    return Error::Invalid("no cgroup hierarchy is mounted; mount cgroup2: mount -t cgroup2 none /sys/fs/cgroup");
  return found;
}

}  // namespace ballast

#include "collector/discover/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "collector/base/fd.h"

namespace ballast::discover {
namespace {

// include/linux/exportfs.h; not exported to user space. Since Linux 5.5.
constexpr int kFileIdKernfs = 0xfe;

struct KernfsHandle {
  alignas(file_handle) unsigned char bytes[sizeof(file_handle) + sizeof(std::uint64_t)];

  explicit KernfsHandle(std::uint64_t id) : bytes{} {
    get()->handle_bytes = sizeof id;
    get()->handle_type = kFileIdKernfs;
    std::memcpy(bytes + sizeof(file_handle), &id, sizeof id);
  }
  file_handle* get() { return reinterpret_cast<file_handle*>(bytes); }
};

}  // namespace

using Found = std::optional<std::string>;

Result<Found> FindCgroupPath(const std::string& mount_point, std::uint64_t id) {
  const Fd mount(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!mount.is_open()) return Error::FromErrno(errno, mount_point);
  struct statfs info {};
  if (::fstatfs(mount.get(), &info) != 0) return Error::FromErrno(errno, mount_point);
  // Other file systems answer a foreign handle with ESTALE too.
  if (info.f_type != CGROUP2_SUPER_MAGIC && info.f_type != CGROUP_SUPER_MAGIC)
    return Error::FromErrno(EOPNOTSUPP, mount_point);
  KernfsHandle handle(id);
  const Fd group(::open_by_handle_at(mount.get(), handle.get(), O_PATH | O_CLOEXEC));
  if (!group.is_open() && errno == ESTALE) return Found();
  if (!group.is_open()) return Error::FromErrno(errno, "open cgroup by its id");
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(group.get());
  const ssize_t length = ::readlink(link.c_str(), target, sizeof target);
  if (length < 0) return Error::FromErrno(errno, link);
  const std::string_view path(target, static_cast<std::size_t>(length));
  // Removed between the two calls: the kernel adds " (deleted)".
  if (!path.starts_with(mount_point) || path.ends_with(" (deleted)")) return Found();
  return Found(path.substr(mount_point.size()));
}

}  // namespace ballast::discover

#include "collector/discover/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace ballast::discover {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using DirPtr = std::unique_ptr<DIR, CloseDir>;

class Walk {
 public:
  Walk(const WalkBounds& bounds,
       const std::function<Descend(const std::string&, std::uint64_t)>& visit)
      : bounds_(bounds), visit_(visit) {}

  void Enter(int parent, const char* name, std::size_t depth) {
    const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      // Gone since its parent was read: nothing was missed.
      if (errno != ENOENT) result_.is_complete = false;
      return;
    }
    const DirPtr dir(::fdopendir(fd));
    if (!dir) {
      ::close(fd);
      result_.is_complete = false;
      return;
    }
    ReadEntries(dir.get(), fd, depth);
  }

  const WalkResult& result() const { return result_; }

 private:
  void ReadEntries(DIR* dir, int fd, std::size_t depth) {
    const std::size_t own_length = path_.size();
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir);
      if (entry == nullptr) {
        if (errno != 0 && errno != ENOENT) result_.is_complete = false;
        return;
      }
      if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
      if (result_.directories >= bounds_.max_directories) {
        result_.is_complete = false;
        return;
      }
      ++result_.directories;
      path_ += '/';
      path_ += entry->d_name;
      // On 64-bit kernels the inode number is the kernfs id, generation included.
      if (visit_(path_, entry->d_ino) == Descend::kYes && HasChildren(fd, entry->d_name))
        Below(fd, entry->d_name, depth);
      path_.resize(own_length);
    }
  }

  void Below(int fd, const char* name, std::size_t depth) {
    if (depth + 1 >= bounds_.max_depth)
      result_.is_complete = false;
    else
      Enter(fd, name, depth + 1);
  }

  // kernfs counts sub-directories in the link number, beside "." and "..".
  static bool HasChildren(int fd, const char* name) {
    struct stat status {};
    return ::fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_nlink != 2;
  }

  const WalkBounds& bounds_;  // both outlive the walk:
  const std::function<Descend(const std::string&, std::uint64_t)>&
      visit_;  // arguments of WalkCgroups
  std::string path_;
  WalkResult result_;
};

}  // namespace

WalkResult WalkCgroups(const std::string& mount_point, const WalkBounds& bounds,
                       const std::function<Descend(const std::string&, std::uint64_t)>& visit) {
  Walk walk(bounds, visit);
  walk.Enter(AT_FDCWD, mount_point.c_str(), 0);
  return walk.result();
}

}  // namespace ballast::discover

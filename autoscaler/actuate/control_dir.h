#pragma once

// One directory of one cgroup, held open. What is read and written through it
// is this incarnation of the cgroup: after rmdir the descriptor answers ENODEV
// or ENOENT, also when a new cgroup has the same path.
// Not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/base/fd.h"
#include "collector/base/result.h"

namespace ballast::actuate {

class ControlDir {
 public:
  static Result<ControlDir> Open(const std::string& path);

  const std::string& path() const { return path_; }
  std::uint64_t inode() const { return inode_; }  // the kernfs id, with generation

  bool Has(const char* file) const;
  // Without the newline at the end.
  Result<std::string> Read(const char* file) const;
  // One write(2); the kernel's errno unchanged.
  Result<> Write(const char* file, std::string_view value) const;

 private:
  ControlDir(std::string path, Fd fd, std::uint64_t inode)
      : path_(std::move(path)), fd_(std::move(fd)), inode_(inode) {}

  std::string path_;
  Fd fd_;
  std::uint64_t inode_ = 0;
};

// The errno of a cgroup that was removed under an open descriptor.
bool IsGone(const Error& error);

}  // namespace ballast::actuate

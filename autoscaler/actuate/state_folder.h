#pragma once

// The folder an autoscaler keeps its journal in, and the lock that makes it the
// only writer. The kernel drops the lock when the last process that holds it
// dies, however it dies.

#include <string>

#include "collector/base/fd.h"
#include "collector/base/result.h"

namespace ballast::actuate {

class StateFolder {
 public:
  // Makes the folder where it is missing. The error is one sentence for the
  // user; "in use" where another autoscaler (or a release) holds the lock.
  static Result<StateFolder> Lock(const std::string& path);

  std::string journal_path() const { return path_ + "/limits.journal"; }
  int lock_fd() const { return lock_.get(); }

 private:
  StateFolder(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Fd lock_;
};

}  // namespace ballast::actuate

#include "autoscaler/actuate/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace ballast::actuate {

Result<StateFolder> StateFolder::Lock(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return Error::FromErrno(errno, "state folder " + path);
  const std::string name = path + "/lock";
  Fd lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) return Error::FromErrno(errno, name);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::FromErrno(errno, name);
    return Error::Invalid("another autoscaler runs on state folder " + path +
                          "; stop it first, or give this one its own --state-dir");
  }
  return StateFolder(path, std::move(lock));
}

}  // namespace ballast::actuate

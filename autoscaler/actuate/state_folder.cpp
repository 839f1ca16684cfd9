#include "autoscaler/actuate/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace ballast::actuate {

Result<StateFolder> StateFolder::Lock(const std::string& path) {
  std::error_code failed;
  if (std::filesystem::create_directories(path, failed))
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, failed);
  if (failed) return Error(failed, "state folder " + path);
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

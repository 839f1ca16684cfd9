#include "collector/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "collector/base/fd.h"

namespace ballast {
Result<> WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::FromErrno(errno, path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return Ok();
}

Result<std::string> ReadSmallFile(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return Error::FromErrno(errno, path);
  std::string content;
  char chunk[4096];
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::FromErrno(errno, path);
    if (got == 0) return content;
    content.append(chunk, static_cast<std::size_t>(got));
    if (content.size() > limit) return Error::FromErrno(EFBIG, path);
  }
}

Result<> WriteControlFile(const std::string& path, std::string_view value) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.is_open()) return Error::FromErrno(errno, path);
  // Not WriteAll: a control file takes its value in one call or not at all.
  const ssize_t written = ::write(fd.get(), value.data(), value.size());
  if (written < 0) return Error::FromErrno(errno, path);
  if (static_cast<std::size_t>(written) != value.size()) return Error::FromErrno(EIO, path);
  return Ok();
}

Result<> ReplaceFile(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = path + ".new";
  {
    const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd.is_open()) return Error::FromErrno(errno, temporary);
    auto written = WriteAll(fd.get(), content, temporary);
    if (written && ::fsync(fd.get()) != 0) written = Error::FromErrno(errno, temporary);
    if (!written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return Error::FromErrno(errno, path);
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  const Fd dir(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.is_open()) ::fsync(dir.get());
  return Ok();
}

}  // namespace ballast

#include "autoscaler/actuate/control_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace ballast::actuate {

Result<ControlDir> ControlDir::Open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_open()) return Error::FromErrno(errno, path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Error::FromErrno(errno, path);
  return ControlDir(path, std::move(fd), info.st_ino);
}

bool ControlDir::Has(const char* file) const {
  return ::faccessat(fd_.get(), file, F_OK, 0) == 0;
}

Result<std::string> ControlDir::Read(const char* file) const {
  const Fd fd(::openat(fd_.get(), file, O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return Error::FromErrno(errno, path_ + "/" + file);
  char text[4096];  // control files are one line; memory.oom_control three
  const ssize_t got = ::read(fd.get(), text, sizeof text);
  if (got < 0) return Error::FromErrno(errno, path_ + "/" + file);
  std::string value(text, static_cast<std::size_t>(got));
  while (!value.empty() && value.back() == '\n') value.pop_back();
  return value;
}

Result<> ControlDir::Write(const char* file, std::string_view value) const {
  // O_TRUNC is nothing to a control file and lets a plain file stand in for one in tests.
  const Fd fd(::openat(fd_.get(), file, O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd.is_open()) return Error::FromErrno(errno, path_ + "/" + file);
  if (::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
    return Error::FromErrno(errno, path_ + "/" + file);
  return Ok();
}

bool IsGone(const Error& error) {
  return error.code().category() == std::system_category() &&
         (error.code().value() == ENOENT || error.code().value() == ENODEV);
}

}  // namespace ballast::actuate

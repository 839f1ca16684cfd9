#include "dashboards/cli/record_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "collector/base/fd.h"

namespace ballast::cli {

Result<> ForEachRecord(const std::string& path, record::FrameReader& reader,
                       const std::function<void(const model::Record&)>& visit) {
  const Fd fd(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return Error::FromErrno(errno, path);
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::FromErrno(errno, path);
    if (got == 0) return Ok();
    reader.Feed({chunk.data(), static_cast<std::size_t>(got)});
    while (const auto record = reader.Next()) visit(*record);
  }
}

std::string WallTimeOf(WallTime at) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

}  // namespace ballast::cli

#include "autoscaler/actuate/stop_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "collector/base/file.h"

namespace ballast::actuate {
namespace {

constexpr std::string_view kRelease = "release";

// One line for logs and events, whatever somebody's editor left in the file.
std::string OneLine(std::string_view text) {
  std::string line(text.substr(0, text.find_last_not_of(" \n\r\t") + 1));
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < ' '; }, ' ');
  return line;
}

}  // namespace

std::optional<StopOrder> StopFile::Find() const {
  // ENOTDIR: no such folder either. Whatever else goes wrong, something is there.
  if (::access(path_.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::nullopt;
  const auto text = ReadSmallFile(path_, 65536);
  if (!text) return StopOrder{false, text.error().ToString()};
  const auto end = std::min(text->find('\n'), text->size());
  const bool release = OneLine(text->substr(0, end)) == kRelease;
  return StopOrder{release,
                   OneLine(release ? text->substr(std::min(end + 1, text->size())) : *text)};
}

Result<> StopFile::Write(const StopOrder& order) const {
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), code);
  if (code) return Error(code, path_);
  return ReplaceFile(path_, (order.release ? std::string(kRelease) + "\n" : "") + order.why + "\n");
}

Result<bool> StopFile::Remove() const {
  if (::unlink(path_.c_str()) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return Error::FromErrno(errno, path_);
}

}  // namespace ballast::actuate

#pragma once

// One conversation over a Unix stream socket, with a bound on time and size:
// what small clients of local daemons are made of. Blocking: only for threads
// that may wait. Errors name the path.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "collector/base/fd.h"
#include "collector/base/result.h"

namespace ballast::runtime {

class UnixConversation {
 public:
  static Result<UnixConversation> Open(const std::string& path, std::chrono::milliseconds patience);

  // The process at the other end, as the kernel tells it; 0: not known.
  pid_t PeerPid() const;

  Result<> Send(std::string_view text);
  // The next line without its end. Error: end of stream, out of patience, longer than `limit`.
  Result<std::string> ReadLine(std::size_t limit = 1 << 20);
  // What has arrived, at least a byte. Error: end of stream, out of patience.
  Result<std::string> ReadSome();
  // Exactly so many bytes.
  Result<std::string> Read(std::size_t bytes);
  // All until the other side closes.
  Result<std::string> ReadAll(std::size_t limit);

 private:
  UnixConversation(Fd fd, std::string path, std::chrono::steady_clock::time_point end)
      : fd_(std::move(fd)), path_(std::move(path)), end_(end) {}
  // Appends what arrives to buffer_; false: the other side closed.
  Result<bool> Receive();

  Fd fd_;
  std::string path_;
  std::chrono::steady_clock::time_point end_;
  std::string buffer_;
};

}  // namespace ballast::runtime

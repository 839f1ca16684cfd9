#include "collector/runtime/unix_request.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ballast::runtime {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

Result<UnixConversation> UnixConversation::Open(const std::string& path, milliseconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Error::FromErrno(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return Error::FromErrno(errno, path);
  // A Unix socket connects at once, or its queue is full (EAGAIN): ask again later.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return Error::FromErrno(errno, path);
  return UnixConversation(std::move(fd), path, steady_clock::now() + patience);
}

pid_t UnixConversation::PeerPid() const {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

Result<> UnixConversation::Send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return Error::FromErrno(errno, path_);
    pollfd wait{fd_.get(), POLLOUT, 0};
    const auto left = duration_cast<milliseconds>(end_ - steady_clock::now()).count();
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0)
      return Error::FromErrno(ETIMEDOUT, path_);
  }
  return Ok();
}

Result<bool> UnixConversation::Receive() {
  std::array<char, 16384> chunk{};
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got == 0) return false;
    if (got > 0) {
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
      return true;
    }
    if (errno != EAGAIN && errno != EINTR) return Error::FromErrno(errno, path_);
    pollfd wait{fd_.get(), POLLIN, 0};
    const auto left = duration_cast<milliseconds>(end_ - steady_clock::now()).count();
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0)
      return Error::FromErrno(ETIMEDOUT, path_);
  }
}

Result<std::string> UnixConversation::ReadLine(std::size_t limit) {
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (buffer_.size() > limit) return Error::FromErrno(EMSGSIZE, path_);
    BALLAST_TRY(const bool more, Receive(), "line");
    if (!more) return Error::FromErrno(ECONNRESET, path_);
  }
}

Result<std::string> UnixConversation::ReadSome() {
  if (buffer_.empty()) {
    BALLAST_TRY(const bool more, Receive(), "answer");
    if (!more) return Error::FromErrno(ECONNRESET, path_);
  }
  return std::exchange(buffer_, {});
}

Result<std::string> UnixConversation::Read(std::size_t bytes) {
  while (buffer_.size() < bytes) {
    BALLAST_TRY(const bool more, Receive(), "body");
    if (!more) return Error::FromErrno(ECONNRESET, path_);
  }
  std::string text = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return text;
}

Result<std::string> UnixConversation::ReadAll(std::size_t limit) {
  for (;;) {
    if (buffer_.size() > limit) return Error::FromErrno(EMSGSIZE, path_);
    BALLAST_TRY(const bool more, Receive(), "body");
    if (!more) return std::exchange(buffer_, {});
  }
}

}  // namespace ballast::runtime

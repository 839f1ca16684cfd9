#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "collector/base/fd.h"

namespace ballast::test {

// A client without our code: sends exactly the bytes it is told to, and waits
// at most a few seconds, so that a server that hangs fails the test.
class RawHttpClient {
 public:
  explicit RawHttpClient(unsigned short port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    timeval limit{5, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ =
        ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool is_connected() const { return is_connected_; }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Until the server closes, or nothing more comes.
  std::string ReadAll() {
    std::string all;
    while (ReadSome(all)) {
    }
    return all;
  }
  // Until the server closes; only counted.
  std::size_t Discard() {
    std::size_t all = 0;
    std::string chunk(1 << 18, '\0');
    ssize_t got = 0;
    while ((got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0)) > 0)
      all += static_cast<std::size_t>(got);
    return all;
  }
  // Until `end` was seen.
  std::string ReadUntil(std::string_view end) {
    std::string all;
    while (all.find(end) == std::string::npos && ReadSome(all)) {
    }
    return all;
  }

 private:
  bool ReadSome(std::string& all) {
    char chunk[16384];
    const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (got > 0) all.append(chunk, static_cast<std::size_t>(got));
    return got > 0;
  }

  Fd fd_;
  bool is_connected_ = false;
};

}  // namespace ballast::test

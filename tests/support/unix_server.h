#pragma once

// A daemon that a test plays: answers every connection to a Unix socket with
// what `answer` makes of what was sent so far.
//
//   UnixServer server([](const std::string& asked) { return "HTTP/1.1 200 OK\r\n..."; });
//   client(server.path());
//
// `greeting` is sent first; `answer` is called for each piece that arrives and an empty
// text sends nothing. The connection closes after the first answer unless `stays`.

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "collector/base/fd.h"

namespace ballast::test {

class UnixServer {
 public:
  using Answer = std::function<std::string(const std::string&)>;

  explicit UnixServer(Answer answer, std::string greeting = "", bool stays = false)
      : answer_(std::move(answer)), greeting_(std::move(greeting)), stays_(stays) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ballast-daemon.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof(address.sun_path) - 1);
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ::listen(listener_.get(), 8);
    thread_ = std::thread([this] { Serve(); });
  }
  ~UnixServer() {
    stop_ = true;
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/daemon.sock"; }
  int connections() const { return connections_; }

 private:
  bool Readable(int fd) const {
    pollfd wait{fd, POLLIN, 0};
    while (!stop_)
      if (::poll(&wait, 1, 20) > 0) return true;
    return false;
  }
  void Serve() {
    while (Readable(listener_.get())) {
      const Fd client(::accept(listener_.get(), nullptr, nullptr));
      ++connections_;
      Send(client.get(), greeting_);
      char piece[4096];
      while (Readable(client.get())) {
        const ssize_t got = ::recv(client.get(), piece, sizeof(piece), 0);
        if (got <= 0) break;
        const std::string said = answer_(std::string(piece, static_cast<std::size_t>(got)));
        Send(client.get(), said);
        if (!said.empty() && !stays_) break;
      }
    }
  }
  static void Send(int fd, const std::string& text) {
    [[maybe_unused]] const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }

  Answer answer_;
  std::string greeting_;
  bool stays_;
  std::string folder_;
  Fd listener_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace ballast::test

#pragma once

// Takes connections of one listening socket. Of use to http_server.cpp and stream_server.cpp only;
// needs Asio.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <utility>

namespace ballast::net {

// Hands over each connection; where accepting fails (out of descriptors or the
// like) it tries again soon, never in a busy loop. Kept alive by the accept
// that is pending, which outlives Stop() by one turn of the loop.
template <typename Protocol>
class AcceptLoop : public std::enable_shared_from_this<AcceptLoop<Protocol>> {
 public:
  using Socket = typename Protocol::socket;

  explicit AcceptLoop(boost::asio::io_context& context) : acceptor_(context), retry_(context) {}

  // To be opened, bound and listening before Start().
  typename Protocol::acceptor& acceptor() { return acceptor_; }

  // `welcome` is called with each until Stop().
  void Start(std::function<void(Socket)> welcome) {
    welcome_ = std::move(welcome);
    Accept();
  }

  void Stop() {
    welcome_ = nullptr;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
  }

 private:
  static constexpr std::chrono::milliseconds kRetryAfter{100};

  void Accept() {
    acceptor_.async_accept(
        [self = this->shared_from_this()](const boost::system::error_code& error, Socket socket) {
          if (!self->welcome_) return;
          if (error) return self->TryAgain();
          self->welcome_(std::move(socket));
          if (self->welcome_) self->Accept();
        });
  }

  void TryAgain() {
    retry_.expires_after(kRetryAfter);
    retry_.async_wait(
        [self = this->shared_from_this()](const boost::system::error_code& cancelled) {
          if (!cancelled && self->welcome_) self->Accept();
        });
  }

  typename Protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::function<void(Socket)> welcome_;
};

}  // namespace ballast::net

#pragma once

// One end of a Unix stream: what stream_server and stream_client share. Of use
// to those two files only; needs Asio.

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collector/base/result.h"
#include "collector/net/bytes.h"

namespace ballast::net {

// Reads until the peer ends, writes what is queued, in order. A peer that does
// not take its bytes costs at most `queue_bytes` of memory: then the connection
// ends. Shared by its owner and its pending operations.
class StreamConnection : public std::enable_shared_from_this<StreamConnection> {
 public:
  struct Handlers {
    std::function<void(std::string_view)> on_bytes;
    std::function<void(Error)> on_closed;  // once, never inside Send()
  };

  StreamConnection(boost::asio::local::stream_protocol::socket socket, std::size_t queue_bytes,
                   Handlers handlers)
      : socket_(std::move(socket)), queue_bytes_(queue_bytes), handlers_(std::move(handlers)) {}

  void Start() { Read(); }
  // False: the queue would pass its bound. A server then drops the peer, a
  // client keeps what it could not send.
  bool Send(Bytes bytes);
  // Later callbacks are left out.
  void Abandon();
  // Ends with `why`, which reaches on_closed.
  void Close(Error why);
  // Also between Close() and on_closed.
  bool is_closed() const { return is_closed_; }
  std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  static constexpr std::size_t kReadBytes = 64 << 10;
  // Buffers in one write; IOV_MAX is 1024, and the gain ends long before.
  static constexpr std::size_t kGather = 64;

  void Read();
  void Write();

  boost::asio::local::stream_protocol::socket socket_;
  const std::size_t queue_bytes_;
  Handlers handlers_;
  std::deque<Bytes> queue_;
  std::size_t queued_bytes_ = 0;
  bool is_writing_ = false;
  bool is_closed_ = false;
  std::string input_ = std::string(kReadBytes, '\0');
};

}  // namespace ballast::net

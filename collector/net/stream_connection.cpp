#include "collector/net/stream_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <vector>

namespace ballast::net {

namespace asio = boost::asio;

bool StreamConnection::Send(Bytes bytes) {
  if (is_closed_ || queued_bytes_ + bytes->size() > queue_bytes_) return false;
  queued_bytes_ += bytes->size();
  queue_.push_back(std::move(bytes));
  if (!is_writing_) Write();
  return true;
}

void StreamConnection::Abandon() {
  is_closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  // Not at once: the owner may be doing this inside one of these handlers.
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->handlers_ = {}; });
}

void StreamConnection::Close(Error why) {
  if (is_closed_) return;
  is_closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  asio::post(socket_.get_executor(), [self = shared_from_this(), why = std::move(why)] {
    if (self->handlers_.on_closed) std::exchange(self->handlers_, {}).on_closed(why);
  });
}

void StreamConnection::Read() {
  socket_.async_read_some(
      asio::buffer(input_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
        if (self->is_closed_) return;
        if (error) return self->Close(Error(error, "read"));
        if (self->handlers_.on_bytes)
          self->handlers_.on_bytes(std::string_view(self->input_).substr(0, size));
        if (!self->is_closed_) self->Read();
      });
}

void StreamConnection::Write() {
  std::vector<asio::const_buffer> buffers;
  for (std::size_t i = 0; i < queue_.size() && i < kGather; ++i)
    buffers.push_back(asio::buffer(*queue_[i]));
  is_writing_ = true;
  // Asio tries the write at once, so an empty queue costs no extra wake-up.
  asio::async_write(socket_, buffers,
                    [self = shared_from_this(), count = buffers.size()](
                        const boost::system::error_code& error, std::size_t size) {
                      self->is_writing_ = false;
                      if (self->is_closed_) return;
                      if (error) return self->Close(Error(error, "write"));
                      self->queued_bytes_ -= size;
                      self->queue_.erase(self->queue_.begin(),
                                         self->queue_.begin() + static_cast<std::ptrdiff_t>(count));
                      if (!self->queue_.empty()) self->Write();
                    });
}

}  // namespace ballast::net

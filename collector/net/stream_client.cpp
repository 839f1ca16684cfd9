#include "collector/net/stream_client.h"

#include <sys/un.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/net/stream_connection.h"

namespace ballast::net {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

struct StreamClient::Impl : std::enable_shared_from_this<StreamClient::Impl> {
  Impl(asio::io_context& io, StreamClientOptions opts, Handlers given)
      : context(io),
        retry(io),
        options(std::move(opts)),
        handlers(std::move(given)),
        pause(options.retry_first) {}

  void Connect() {
    if (is_stopped) return;
    boost::system::error_code error;
    Local::socket socket(context);
    if (options.path.empty() || options.path.size() >= sizeof(sockaddr_un::sun_path))
      error = make_error_code(boost::system::errc::filename_too_long);
    else
      ConnectNow(socket, error);
    if (error) return Down(Error(error, options.path));
    pause = options.retry_first;
    is_down = false;
    StreamConnection::Handlers mine;
    mine.on_bytes = [self = shared_from_this()](std::string_view bytes) {
      if (!self->is_stopped && self->handlers.on_bytes) self->handlers.on_bytes(bytes);
    };
    mine.on_closed = [self = shared_from_this()](const Error& why) {
      self->connection.reset();
      if (!self->is_stopped) self->Down(Error(why.code(), self->options.path));
    };
    connection =
        std::make_shared<StreamConnection>(std::move(socket), options.queue_bytes, std::move(mine));
    connection->Start();
    if (handlers.on_up) handlers.on_up();
  }

  // A Unix connect is done at once, unless the server's backlog is full; then
  // it must fail rather than hold up the loop.
  void ConnectNow(Local::socket& socket, boost::system::error_code& error) {
    socket.open(Local(), error);
    if (!error) socket.non_blocking(true, error);
    if (!error) socket.connect(Local::endpoint(options.path), error);
  }

  void Down(const Error& why) {
    if (!std::exchange(is_down, true) && handlers.on_down) handlers.on_down(why);
    if (is_stopped) return;
    retry.expires_after(pause);
    pause = std::min(pause * 2, options.retry_most);
    retry.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled) self->Connect();
    });
  }

  void Stop() {
    is_stopped = true;
    retry.cancel();
    if (connection) connection->Abandon();
    connection.reset();
  }

  asio::io_context& context;
  asio::steady_timer retry;
  StreamClientOptions options;
  Handlers handlers;
  std::chrono::milliseconds pause;
  std::shared_ptr<StreamConnection> connection;
  bool is_down = false;
  bool is_stopped = false;
};

StreamClient::StreamClient(EventLoop& loop, StreamClientOptions options, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop.context(), std::move(options), std::move(handlers))) {
  asio::post(loop.context(), [impl = impl_] { impl->Connect(); });
}

StreamClient::~StreamClient() {
  impl_->Stop();
}

bool StreamClient::Send(std::string bytes) {
  return impl_->connection &&
         impl_->connection->Send(std::make_shared<const std::string>(std::move(bytes)));
}

bool StreamClient::is_connected() const {
  return impl_->connection != nullptr;
}
std::size_t StreamClient::queued_bytes() const {
  return impl_->connection ? impl_->connection->queued_bytes() : 0;
}

}  // namespace ballast::net

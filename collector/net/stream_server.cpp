#include "collector/net/stream_server.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <map>

#include "collector/net/accept_loop.h"
#include "collector/net/stream_connection.h"

namespace ballast::net {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;

namespace {

// A socket file outlives a process that was killed. Only connecting tells
// whether somebody is there.
Result<> RemoveStale(asio::io_context& context, const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return Ok();
  if (!S_ISSOCK(status.st_mode))
    return Error::Invalid(path + ": exists and is not a socket; choose another path");
  Local::socket probe(context);
  boost::system::error_code error;
  probe.connect(Local::endpoint(path), error);
  if (!error)
    return Error::Invalid(path + ": in use by another process; stop it or choose another path");
  if (error == asio::error::connection_refused) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Error::FromErrno(errno, path);
    return Ok();
  }
  return Error(error, path);
}

Result<> MakeFolder(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return Ok();
  const std::string folder = path.substr(0, slash);
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return Error::FromErrno(errno, folder);
  return Ok();
}

Result<> OpenAcceptor(Local::acceptor& acceptor, const StreamServerOptions& options) {
  boost::system::error_code error;
  acceptor.open(Local(), error);
  if (!error) acceptor.bind(Local::endpoint(options.path), error);
  if (error) return Error(error, options.path);
  // Before listen(): until then nobody can connect, whatever the umask gave.
  if (::chmod(options.path.c_str(), options.mode) != 0)
    return Error::FromErrno(errno, options.path);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Error(error, options.path);
  return Ok();
}

}  // namespace

struct StreamServer::Impl : std::enable_shared_from_this<StreamServer::Impl> {
  Impl(asio::io_context& context, StreamServerOptions opts, Handlers given)
      : door(std::make_shared<AcceptLoop<Local>>(context)),
        options(std::move(opts)),
        handlers(std::move(given)) {}

  void Welcome(Local::socket socket) {
    if (connections.size() >= options.max_clients) {
      ++counters.refused;
      return;  // closes the socket
    }
    ++counters.accepted;
    const ClientId id = ++last_id;
    const Bytes greeting = handlers.greeting ? handlers.greeting() : nullptr;
    const std::size_t bound = options.queue_bytes + (greeting ? greeting->size() : 0);
    StreamConnection::Handlers mine;
    mine.on_bytes = [this, id](std::string_view bytes) {
      if (handlers.on_bytes) handlers.on_bytes(id, bytes);
    };
    mine.on_closed = [self = shared_from_this(), id](const Error&) {
      self->connections.erase(id);
      if (!self->is_stopped && self->handlers.on_closed) self->handlers.on_closed(id);
    };
    auto connection = std::make_shared<StreamConnection>(std::move(socket), bound, std::move(mine));
    connections[id] = connection;
    if (greeting) connection->Send(greeting);
    connection->Start();
  }

  void Stop() {
    is_stopped = true;
    door->Stop();
    for (auto& [id, connection] : connections) connection->Abandon();
    connections.clear();
    ::unlink(options.path.c_str());
  }

  std::shared_ptr<AcceptLoop<Local>> door;  // the second owner is its pending accept
  StreamServerOptions options;
  Handlers handlers;
  std::map<ClientId, std::shared_ptr<StreamConnection>> connections;
  ClientId last_id = 0;
  Counters counters;
  bool is_stopped = false;
};

Result<std::unique_ptr<StreamServer>> StreamServer::Listen(EventLoop& loop,
                                                           StreamServerOptions options,
                                                           Handlers handlers) {
  if (options.path.empty() || options.path.size() >= sizeof(sockaddr_un::sun_path))
    return Error::Invalid("socket path '" + options.path + "': use 1 to " +
                          std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
  BALLAST_TRY_DO(MakeFolder(options.path), "record socket");
  BALLAST_TRY_DO(RemoveStale(loop.context(), options.path), "record socket");
  auto impl = std::make_shared<Impl>(loop.context(), std::move(options), std::move(handlers));
  BALLAST_TRY_DO(OpenAcceptor(impl->door->acceptor(), impl->options), "record socket");
  // Stopped before it goes.
  impl->door->Start([raw = impl.get()](Local::socket socket) { raw->Welcome(std::move(socket)); });
  return std::unique_ptr<StreamServer>(new StreamServer(std::move(impl)));
}

StreamServer::StreamServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
StreamServer::~StreamServer() {
  impl_->Stop();
}

void StreamServer::Broadcast(const Bytes& bytes) {
  for (auto& [id, connection] : impl_->connections) {
    if (connection->is_closed() || connection->Send(bytes)) continue;
    ++impl_->counters.dropped;
    connection->Close(Error::FromErrno(ENOBUFS, "client cannot follow"));
  }
}

void StreamServer::Disconnect(ClientId client) {
  const auto found = impl_->connections.find(client);
  if (found != impl_->connections.end())
    found->second->Close(Error::FromErrno(EPROTO, "unwanted input"));
}

std::size_t StreamServer::clients() const {
  return impl_->connections.size();
}
const StreamServer::Counters& StreamServer::counters() const {
  return impl_->counters;
}

}  // namespace ballast::net

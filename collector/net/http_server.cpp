#include "collector/net/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <unordered_map>

#include "collector/net/accept_loop.h"
#include "collector/net/http_session.h"
#include "collector/net/tls.h"

namespace ballast::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Connections above the bound that may still be told so; further ones are just closed.
constexpr std::size_t kMaxRefusals = 64;

Result<> OpenAcceptor(tcp::acceptor& acceptor, const std::string& listen) {
  BALLAST_TRY(const Endpoint endpoint, ParseEndpoint(listen), "HTTP server");
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.address, error);
  if (error)
    return Error::Invalid(
        "HTTP server: '" + endpoint.address +
        "' is not a numeric address; names other than localhost are not looked up");
  const tcp::endpoint where(address, endpoint.port);
  acceptor.open(where.protocol(), error);
  // A restart must not wait for the connections of the last run to time out.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(where, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    return Error::Invalid("HTTP server: " + listen +
                          ": in use by another process; stop it or choose another address");
  if (error) return Error(error, "HTTP server: " + listen);
  return Ok();
}

}  // namespace

// The sessions and the accept loop know it weakly: it goes with the server.
struct HttpServer::Impl {
  explicit Impl(asio::io_context& context) : door(std::make_shared<AcceptLoop<tcp>>(context)) {}

  void Welcome(tcp::socket socket) {
    const std::size_t most = environment->options.max_connections;
    if (sessions.size() >= most + kMaxRefusals) return;  // closes the socket
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto session = std::make_shared<HttpSession>(std::move(socket), environment);
    const bool is_surplus = sessions.size() >= most;
    sessions.emplace(session.get(), session);
    if (is_surplus) return session->RefuseUnread(503, "too many connections; try again later");
    session->Start();
  }

  void Stop() {
    door->Stop();
    while (!sessions.empty()) sessions.begin()->second->Close();
  }

  std::shared_ptr<AcceptLoop<tcp>> door;    // the second owner is its pending accept
  std::unique_ptr<asio::ssl::context> tls;  // outlives the sessions
  std::unique_ptr<Authenticator> authenticator;
  std::shared_ptr<const HttpSession::Environment> environment;
  std::unordered_map<HttpSession*, std::shared_ptr<HttpSession>> sessions;
  std::string address;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(EventLoop& loop, HttpServerOptions options,
                                                       Handlers handlers) {
  auto impl = std::make_shared<Impl>(loop.context());
  BALLAST_TRY(impl->tls, MakeTlsContext(options.tls), "HTTP server");
  BALLAST_TRY(impl->authenticator, Authenticator::Open(loop, options.auth), "HTTP server");
  auto opened = OpenAcceptor(impl->door->acceptor(), options.listen);
  if (!opened) return std::move(opened).error();
  const auto where = impl->door->acceptor().local_endpoint();
  const std::string host = where.address().to_string();
  impl->address =
      (where.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(where.port());
  HttpSession::Environment environment{std::move(options),
                                       std::move(handlers),
                                       impl->authenticator.get(),
                                       impl->tls.get(),
                                       where.address().is_loopback(),
                                       [weak = std::weak_ptr(impl)](HttpSession* session) {
                                         if (const auto owner = weak.lock())
                                           owner->sessions.erase(session);
                                       }};
  impl->environment = std::make_shared<const HttpSession::Environment>(std::move(environment));
  // Stopped before it goes.
  impl->door->Start([raw = impl.get()](tcp::socket socket) { raw->Welcome(std::move(socket)); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  impl_->Stop();
}

std::string HttpServer::address() const {
  return impl_->address;
}
unsigned short HttpServer::port() const {
  return impl_->door->acceptor().local_endpoint().port();
}
std::vector<std::string> HttpServer::scopes() const {
  return impl_->authenticator ? impl_->authenticator->scopes() : std::vector<std::string>();
}
std::size_t HttpServer::connections() const {
  return impl_->sessions.size();
}

}  // namespace ballast::net

#pragma once

// One HTTP connection. Of use to http_server.cpp only; needs Beast.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <memory>
#include <optional>

#include "collector/net/http_server.h"
#include "collector/net/transport.h"

namespace ballast::net {

// Reads a request, answers it, and again while the connection is kept. One
// timer covers whatever it waits for. Shared by the server's list, a feed's
// weak reference and its pending operations.
class HttpSession : public std::enable_shared_from_this<HttpSession>, public EventFeed::Listener {
 public:
  struct Environment {
    HttpServerOptions options;
    HttpServer::Handlers handlers;
    Authenticator* authenticator = nullptr;  // null: everybody may ask; lives as long as the server
    boost::asio::ssl::context* tls = nullptr;  // the same; null: HTTP
    bool is_loopback = true;
    std::function<void(HttpSession*)> on_closed;
  };

  // `environment` is shared with the server, which may go first.
  HttpSession(boost::asio::ip::tcp::socket socket, std::shared_ptr<const Environment> environment);

  void Start();
  // Before anything was read, TLS or not: answers, then closes.
  void RefuseUnread(int status, std::string_view what);
  // Answers and closes.
  void Refuse(int status, std::string_view what);
  void Close();
  bool Push(const Bytes& bytes) override;

 private:
  // What the timer bounds, and so what its end means.
  enum class Waiting { kIdle, kReading, kWriting, kDraining, kListening };

  void WaitForRequest();
  void ReadRequest();
  void OnRequest(const boost::system::error_code& error);
  Request TakeRequest(Target target);
  void OnHandshake(const boost::system::error_code& error);
  // False: it was refused.
  bool AcceptsHost();
  void Authenticate(std::shared_ptr<Request> request);
  void Handle(const Request& request);
  void Answer(Response response, bool is_head);
  void WriteWhole(Response response, bool is_head);
  void WritePieces(Response response, bool is_head);
  void NextPiece();
  void AskForPiece();
  void WritePiece(std::string piece, bool more);
  void WriteLastPiece();
  void StartFeed(Response response);
  void WriteFeed();
  void WatchForEnd();
  void AfterWrite(const boost::system::error_code& error);
  // Lets the peer read the answer: closing with unread input resets instead.
  void CloseGently();
  void Drain();

  void SetDeadline(Waiting waiting, std::chrono::milliseconds limit);
  void OnDeadline();

  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = boost::beast::http::response<boost::beast::http::string_body>;
  Message MakeMessage(const Response& response) const;

  Transport stream_;
  boost::asio::steady_timer deadline_;
  std::shared_ptr<const Environment> environment_;
  Waiting waiting_ = Waiting::kIdle;
  bool has_timed_out_ = false;
  bool is_closed_ = false;
  bool keeps_alive_ = false;
  unsigned version_ = 11;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Message message_;
  std::string header_, piece_;
  std::function<bool(std::string&)> next_piece_;
  std::shared_ptr<Body> pieces_;  // the second owner is its pending call
  std::chrono::steady_clock::time_point pieces_began_{};
  // A piece that is ready while the one before it is being written.
  std::optional<std::pair<std::string, bool>> ready_piece_;
  bool is_writing_ = false;
  bool is_listener_ = false;
  std::deque<Bytes> feed_queue_;
  std::size_t feed_bytes_ = 0;
  std::size_t drained_bytes_ = 0;
};

}  // namespace ballast::net

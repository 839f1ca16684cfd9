#include "collector/net/http_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace ballast::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kDrainTime{1000};
constexpr std::size_t kFirstRead = 4096;
// What is thrown away of a request that was refused before it was read.
constexpr std::size_t kDrainBytes = 1 << 20;

struct Refusal {
  int status = 400;
  std::string what;
};

// nullopt: nobody is there to be told.
std::optional<Refusal> RefusalFor(const ErrorCode& error, bool has_whole_line,
                                  const HttpServerOptions& options) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    if (!has_whole_line) return Refusal{414, "the request target is too long"};
    return Refusal{431, "the request headers are larger than " +
                            std::to_string(options.max_header_bytes) + " bytes"};
  }
  if (error == http::error::body_limit)
    return Refusal{413, "the request body is larger than " +
                            std::to_string(options.max_body_bytes) + " bytes"};
  if (error == http::error::end_of_stream || error == http::error::partial_message)
    return std::nullopt;
  // Every other error of Beast's parser is the client's.
  if (error.category() == make_error_code(http::error::bad_method).category())
    return Refusal{400, "malformed request: " + error.message()};
  return std::nullopt;
}

}  // namespace

HttpSession::HttpSession(asio::ip::tcp::socket socket,
                         std::shared_ptr<const Environment> environment)
    : stream_(std::move(socket), environment->tls),
      deadline_(stream_.get_executor()),
      environment_(std::move(environment)),
      buffer_(environment_->options.max_header_bytes + (64 << 10)) {}

void HttpSession::SetDeadline(Waiting waiting, std::chrono::milliseconds limit) {
  waiting_ = waiting;
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
    // A wait that had already ended when it was renewed arrives without an error.
    if (!cancelled && self->deadline_.expiry() <= std::chrono::steady_clock::now())
      self->OnDeadline();
  });
}

void HttpSession::OnDeadline() {
  if (is_closed_) return;
  if (waiting_ != Waiting::kReading) return Close();
  has_timed_out_ = true;  // the cancelled read answers 408
  stream_.socket().cancel();
}

void HttpSession::Close() {
  if (std::exchange(is_closed_, true)) return;
  ErrorCode ignored;
  stream_.socket().close(ignored);
  deadline_.cancel();
  pieces_ = nullptr;
  environment_->on_closed(this);
}

void HttpSession::Start() {
  if (!stream_.is_tls()) return WaitForRequest();
  SetDeadline(Waiting::kIdle, environment_->options.read_timeout);
  stream_.AsyncHandshake(
      [self = shared_from_this()](const ErrorCode& error) { self->OnHandshake(error); });
}

void HttpSession::OnHandshake(const ErrorCode& error) {
  if (is_closed_) return;
  if (!error) return WaitForRequest();
  if (error.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST)
    return RefuseUnread(400, "this port speaks TLS; use https://");
  Close();
}

void HttpSession::RefuseUnread(int status, std::string_view what) {
  stream_.DropTls();
  Refuse(status, what);
}

void HttpSession::WaitForRequest() {
  if (buffer_.size() > 0) return ReadRequest();  // sent together with the one before
  SetDeadline(Waiting::kIdle, environment_->options.idle_timeout);
  stream_.async_read_some(buffer_.prepare(kFirstRead),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                            if (self->is_closed_) return;
                            if (error) return self->Close();
                            self->buffer_.commit(size);
                            self->ReadRequest();
                          });
}

void HttpSession::ReadRequest() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(environment_->options.max_header_bytes));
  parser_->body_limit(environment_->options.max_body_bytes);
  SetDeadline(Waiting::kReading, environment_->options.read_timeout);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                     if (!self->is_closed_) self->OnRequest(error);
                   });
}

void HttpSession::OnRequest(const ErrorCode& error) {
  if (has_timed_out_) return Refuse(408, "the request did not arrive in time");
  if (error) {
    const std::string_view input(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    // The parser takes the request line out of the buffer as soon as it is whole.
    const bool has_whole_line =
        !parser_->get().target().empty() || input.find('\n') != std::string_view::npos;
    const auto refusal = RefusalFor(error, has_whole_line, environment_->options);
    return refusal ? Refuse(refusal->status, refusal->what) : CloseGently();
  }
  keeps_alive_ = parser_->get().keep_alive();
  version_ = parser_->get().version();
  const auto raw_target = parser_->get().target();
  auto target = ParseTarget({raw_target.data(), raw_target.size()});
  if (!target) return Refuse(400, target.error().ToString());
  if (!AcceptsHost()) return;
  Authenticate(std::make_shared<Request>(TakeRequest(*std::move(target))));
}

bool HttpSession::AcceptsHost() {
  const auto& message = parser_->get();
  const auto hosts = message.equal_range(http::field::host);
  const auto count = std::distance(hosts.first, hosts.second);
  if (count > 1 || (count == 0 && version_ >= 11)) {
    Refuse(400, "a request needs one Host header");
    return false;
  }
  if (count == 0 || !environment_->is_loopback) return true;
  const auto host = hosts.first->value();
  if (IsTrustedHost({host.data(), host.size()}, environment_->options.hosts)) return true;
  Refuse(421, "the Host header names nobody here; use localhost, or add the name to http.hosts");
  return false;
}

void HttpSession::Authenticate(std::shared_ptr<Request> request) {
  Authenticator* const authenticator = environment_->authenticator;
  const auto& open = environment_->options.open_paths;
  if (authenticator == nullptr || std::ranges::find(open, request->target.path) != open.end())
    return Handle(*request);
  SetDeadline(Waiting::kWriting, environment_->options.write_timeout);
  authenticator->Check(
      request->FindHeader("authorization").value_or(""),
      [self = shared_from_this(), request](Authenticator::Verdict verdict,
                                           const std::string& scope) {
        if (self->is_closed_) return;
        if (verdict == Authenticator::Verdict::kBusy)
          return self->Refuse(503, "too many passwords are being checked; try again later");
        if (verdict == Authenticator::Verdict::kYes) {
          request->scope = scope;
          return self->Handle(*request);
        }
        if (self->environment_->handlers.on_refused) self->environment_->handlers.on_refused(401);
        auto refusal = MakeError(401, "credentials are needed, and these are none");
        refusal.headers.emplace_back("WWW-Authenticate",
                                     self->environment_->authenticator->challenge());
        self->Answer(std::move(refusal), request->method == "HEAD");
      });
}

void HttpSession::Handle(const Request& request) {
  Answer(environment_->handlers.handle(request), request.method == "HEAD");
}

Request HttpSession::TakeRequest(Target target) {
  auto message = parser_->release();
  Request request{
      std::string(message.method_string()), std::move(target), {}, std::move(message.body())};
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    request.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  return request;
}

void HttpSession::Refuse(int status, std::string_view what) {
  if (environment_->handlers.on_refused) environment_->handlers.on_refused(status);
  keeps_alive_ = false;
  WriteWhole(MakeError(status, what), false);
}

void HttpSession::Answer(Response response, bool is_head) {
  if (response.feed != nullptr && !is_head) return StartFeed(std::move(response));
  if (response.pieces || (response.next_piece && version_ >= 11))
    return WritePieces(std::move(response), is_head);
  // HTTP/1.0 knows no pieces.
  while (response.next_piece)
    if (!response.next_piece(response.body)) response.next_piece = nullptr;
  WriteWhole(std::move(response), is_head);
}

HttpSession::Message HttpSession::MakeMessage(const Response& response) const {
  Message message(static_cast<http::status>(response.status), version_);
  message.set(http::field::server, "ballast");
  message.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.keep_alive(keeps_alive_);
  return message;
}

void HttpSession::WriteWhole(Response response, bool is_head) {
  message_ = MakeMessage(response);
  message_.content_length(response.body.size());
  if (!is_head) message_.body() = std::move(response.body);
  SetDeadline(Waiting::kWriting, environment_->options.write_timeout);
  http::async_write(stream_, message_,
                    [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                      self->AfterWrite(error);
                    });
}

void HttpSession::WritePieces(Response response, bool is_head) {
  const bool is_chunked = version_ >= 11;  // else the connection's end is the body's
  if (!is_chunked) keeps_alive_ = false;
  Message message = MakeMessage(response);
  if (is_chunked) message.chunked(true);
  std::ostringstream text;
  text << message.base();
  header_ = text.str();
  if (!is_head) {
    next_piece_ = std::move(response.next_piece);
    pieces_ = std::move(response.pieces);
    pieces_began_ = std::chrono::steady_clock::now();
  }
  SetDeadline(Waiting::kWriting, environment_->options.write_timeout);
  asio::async_write(stream_, asio::buffer(header_),
                    [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                      if (!error && self->pieces_) return self->AskForPiece();
                      if (error || !self->next_piece_) return self->AfterWrite(error);
                      self->NextPiece();
                    });
}

void HttpSession::NextPiece() {
  if (is_closed_) return;
  piece_.clear();
  const bool more = next_piece_(piece_);
  if (more && piece_.empty()) piece_ = "\n";  // an empty piece would end the body
  SetDeadline(Waiting::kWriting, environment_->options.write_timeout);
  const auto next = [self = shared_from_this()](const ErrorCode& error, std::size_t) {
    if (error) return self->AfterWrite(error);
    self->NextPiece();
  };
  if (more) return asio::async_write(stream_, http::make_chunk(asio::buffer(piece_)), next);
  next_piece_ = nullptr;
  const auto last = [self = shared_from_this()](const ErrorCode& error, std::size_t) {
    if (error) return self->AfterWrite(error);
    asio::async_write(self->stream_, http::make_chunk_last(),
                      [self](const ErrorCode& end, std::size_t) { self->AfterWrite(end); });
  };
  if (piece_.empty()) return last({}, 0);
  asio::async_write(stream_, http::make_chunk(asio::buffer(piece_)), last);
}

void HttpSession::AskForPiece() {
  if (is_closed_ || !pieces_) return;
  // Its maker works for many; the client's own time begins with the writing.
  if (!is_writing_) SetDeadline(Waiting::kWriting, environment_->options.pieces_timeout);
  pieces_->Next([self = shared_from_this()](std::string piece, bool more) {
    if (self->is_closed_) return;
    if (!more) self->pieces_ = nullptr;
    if (self->is_writing_) {
      self->ready_piece_.emplace(std::move(piece), more);
      return;
    }
    self->WritePiece(std::move(piece), more);
  });
}

void HttpSession::WritePiece(std::string piece, bool more) {
  if (std::chrono::steady_clock::now() - pieces_began_ > environment_->options.pieces_timeout)
    return Close();
  if (piece.empty()) return more ? AskForPiece() : WriteLastPiece();
  piece_ = std::move(piece);
  is_writing_ = true;
  SetDeadline(Waiting::kWriting, environment_->options.write_timeout);
  const auto next = [self = shared_from_this(), more](const ErrorCode& error, std::size_t) {
    self->is_writing_ = false;
    if (error || self->is_closed_) return self->AfterWrite(error);
    if (!more) return self->WriteLastPiece();
    if (!self->ready_piece_) return;  // its maker's answer comes back here
    auto [ready, is_more] = *std::exchange(self->ready_piece_, std::nullopt);
    self->WritePiece(std::move(ready), is_more);
  };
  if (version_ >= 11)
    asio::async_write(stream_, http::make_chunk(asio::buffer(piece_)), next);
  else
    asio::async_write(stream_, asio::buffer(piece_), next);
  // Two cores: one makes the next piece while the other writes this one.
  if (more) AskForPiece();
}

void HttpSession::WriteLastPiece() {
  if (version_ < 11) return AfterWrite({});
  asio::async_write(
      stream_, http::make_chunk_last(),
      [self = shared_from_this()](const ErrorCode& end, std::size_t) { self->AfterWrite(end); });
}

void HttpSession::AfterWrite(const ErrorCode& error) {
  if (is_closed_) return;
  if (error) return Close();
  if (!keeps_alive_) return CloseGently();
  WaitForRequest();
}

void HttpSession::StartFeed(Response response) {
  header_ =
      "HTTP/1.1 200 OK\r\nServer: ballast\r\nContent-Type: text/event-stream\r\nCache-Control: "
      "no-store\r\n"
      "Connection: close\r\n\r\n" +
      response.body;
  is_listener_ = true;
  response.feed->Add(weak_from_this());
  Push(std::make_shared<const std::string>(std::move(header_)));
  WatchForEnd();
}

bool HttpSession::Push(const Bytes& bytes) {
  if (is_closed_) return false;
  if (feed_bytes_ + bytes->size() > environment_->options.max_feed_queue_bytes) {
    Close();
    return false;
  }
  feed_bytes_ += bytes->size();
  feed_queue_.push_back(bytes);
  if (feed_queue_.size() == 1) WriteFeed();
  return true;
}

void HttpSession::WriteFeed() {
  SetDeadline(Waiting::kWriting, environment_->options.write_timeout);
  asio::async_write(stream_, asio::buffer(*feed_queue_.front()),
                    [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                      if (self->is_closed_) return;
                      if (error) return self->Close();
                      self->feed_bytes_ -= size;
                      self->feed_queue_.pop_front();
                      if (!self->feed_queue_.empty()) return self->WriteFeed();
                      self->deadline_.cancel();
                      self->waiting_ = Waiting::kListening;
                    });
}

void HttpSession::WatchForEnd() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(1024),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                            if (self->is_closed_) return;
                            if (error) return self->Close();
                            self->WatchForEnd();  // a listener has nothing to say
                          });
}

void HttpSession::CloseGently() {
  if (is_closed_) return;
  if (stream_.is_tls()) {
    SetDeadline(Waiting::kDraining, kDrainTime);
    return stream_.AsyncShutdown([self = shared_from_this()](const ErrorCode&) { self->Close(); });
  }
  ErrorCode error;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  if (error) return Close();
  SetDeadline(Waiting::kDraining, kDrainTime);
  Drain();
}

void HttpSession::Drain() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(4096),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                            if (self->is_closed_) return;
                            self->drained_bytes_ += size;
                            if (error || self->drained_bytes_ > kDrainBytes) return self->Close();
                            self->Drain();
                          });
}

}  // namespace ballast::net

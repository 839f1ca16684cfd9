#include "collector/runtime/grpc_unary.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <vector>

#include "collector/runtime/unix_request.h"

namespace ballast::runtime {
namespace {

// gRPC's own framing of a message: a flag (compressed) and its length, big-endian.
constexpr std::size_t kPrefixBytes = 5;
constexpr int kUnimplemented = 12;

std::string Frame(std::string_view message) {
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8)
    framed.push_back(static_cast<char>(message.size() >> shift & 0xff));
  return framed.append(message);
}

Result<std::string> Unframe(std::string body) {
  if (body.size() < kPrefixBytes || body[0] != '\0')
    return Error::Invalid("no plain gRPC message in the answer");
  std::size_t length = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i)
    length = length << 8 | static_cast<unsigned char>(body[i]);
  body.erase(0, kPrefixBytes);
  if (body.size() != length) return Error::Invalid("the answer is not one gRPC message");
  return body;
}

// One stream of one session. nghttp2 calls back from within Receive and Output.
class Exchange {
 public:
  explicit Exchange(const GrpcCall& call) : call_(call), request_(Frame(call.request)) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { nghttp2_session_del(session_); }

  Result<> Begin();
  // What is to be sent now; empty: nothing.
  std::string Output();
  Result<> Receive(std::string_view bytes);
  bool is_done() const { return is_done_; }
  Result<std::string> Take();

 private:
  static ssize_t OnRead(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room,
                        std::uint32_t* flags, nghttp2_data_source* source, void*);
  static int OnHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                      std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
                      std::uint8_t, void* self);
  static int OnData(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data,
                    std::size_t bytes, void* self);
  static int OnClose(nghttp2_session*, std::int32_t, std::uint32_t error, void* self);

  const GrpcCall& call_;
  std::string request_;
  std::size_t sent_ = 0;
  nghttp2_session* session_ = nullptr;
  bool is_done_ = false;
  bool is_too_long_ = false;
  std::uint32_t stream_error_ = 0;
  int http_status_ = 0;
  int grpc_status_ = -1;  // none came
  std::string grpc_message_;
  std::string body_;
};

ssize_t Exchange::OnRead(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room,
                         std::uint32_t* flags, nghttp2_data_source* source, void*) {
  auto* self = static_cast<Exchange*>(source->ptr);
  const std::size_t bytes = std::min(room, self->request_.size() - self->sent_);
  std::memcpy(into, self->request_.data() + self->sent_, bytes);
  self->sent_ += bytes;
  if (self->sent_ == self->request_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(bytes);
}

// The answer's headers and, after the data, its trailers.
int Exchange::OnHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
                       std::uint8_t, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const std::string_view key(reinterpret_cast<const char*>(name), name_bytes);
  const std::string_view text(reinterpret_cast<const char*>(value), value_bytes);
  if (key == ":status")
    std::from_chars(text.data(), text.data() + text.size(), exchange.http_status_);
  if (key == "grpc-status")
    std::from_chars(text.data(), text.data() + text.size(), exchange.grpc_status_);
  if (key == "grpc-message") exchange.grpc_message_ = text;
  return 0;
}

int Exchange::OnData(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data,
                     std::size_t bytes, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.is_too_long_ = exchange.body_.size() + bytes > exchange.call_.max_answer + kPrefixBytes;
  if (exchange.is_too_long_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  exchange.body_.append(reinterpret_cast<const char*>(data), bytes);
  return 0;
}

int Exchange::OnClose(nghttp2_session*, std::int32_t, std::uint32_t error, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.is_done_ = true;
  exchange.stream_error_ = error;
  return 0;
}

Result<> Exchange::Begin() {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) return Error::FromErrno(ENOMEM, "HTTP/2");
  const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)>
      callbacks(made, nghttp2_session_callbacks_del);
  nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, OnClose);
  if (nghttp2_session_client_new(&session_, made, this) != 0)
    return Error::FromErrno(ENOMEM, "HTTP/2");
  // Windows as large as the answer may be: else a list of a megabyte takes sixteen turns.
  constexpr std::int32_t kWindow = 1 << 20;
  constexpr std::array kSettings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, kSettings.data(), kSettings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
  const auto header = [](std::string_view name, std::string_view value) {
    return nghttp2_nv{
        reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),   // NOLINT: it copies
        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),  // NOLINT
        name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  };
  const std::array headers = {
      header(":method", "POST"),      header(":scheme", "http"),
      header(":path", call_.method),  header(":authority", "localhost"),
      header("te", "trailers"),       header("content-type", "application/grpc"),
      header("user-agent", "ballast")};
  const nghttp2_data_provider body{.source = {.ptr = this}, .read_callback = OnRead};
  if (nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &body, nullptr) < 0)
    return Error::Invalid("HTTP/2 request refused");
  return Ok();
}

std::string Exchange::Output() {
  std::string output;
  const std::uint8_t* piece = nullptr;
  for (ssize_t bytes; (bytes = nghttp2_session_mem_send(session_, &piece)) > 0;)
    output.append(reinterpret_cast<const char*>(piece), static_cast<std::size_t>(bytes));
  return output;
}

Result<> Exchange::Receive(std::string_view bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (is_too_long_) return Error::FromErrno(EMSGSIZE, "gRPC answer");
  if (taken < 0)
    return Error::Invalid(std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(taken)));
  return Ok();
}

Result<std::string> Exchange::Take() {
  if (grpc_status_ == kUnimplemented)
    return Error(std::make_error_code(std::errc::not_supported), std::string(call_.method));
  if (grpc_status_ > 0)
    return Error::Invalid(std::string(call_.method) + ": gRPC status " +
                          std::to_string(grpc_status_) + " " + grpc_message_);
  if (stream_error_ != 0 || http_status_ != 200 || grpc_status_ != 0)
    return Error::Invalid(std::string(call_.method) + ": not answered (HTTP " +
                          std::to_string(http_status_) + ")");
  return Unframe(std::move(body_));
}

}  // namespace

Result<std::string> CallGrpc(const GrpcCall& call) {
  BALLAST_TRY(auto daemon, UnixConversation::Open(call.socket_path, call.patience), "gRPC");
  Exchange exchange(call);
  BALLAST_TRY_DO(exchange.Begin(), call.socket_path);
  while (!exchange.is_done()) {
    if (const std::string output = exchange.Output(); !output.empty())
      BALLAST_TRY_DO(daemon.Send(output), "gRPC");
    BALLAST_TRY(const std::string input, daemon.ReadSome(), "gRPC");
    BALLAST_TRY_DO(exchange.Receive(input), call.socket_path);
  }
  return exchange.Take();
}

}  // namespace ballast::runtime

#pragma once

// A gRPC daemon that a test plays, on a Unix socket: answers each method with
// what `answer` returns.
//
//   GrpcServer server([](const std::string& method) { return GrpcAnswer{.message = ...}; });
//   client(server.path());

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/support/protobuf_field.h"
#include "tests/support/unix_server.h"

namespace ballast::test {

struct GrpcAnswer {
  std::string message = {};  // encoded
  int status = 0;            // gRPC's; not 0: no message is sent
};

class GrpcServer {
 public:
  using Answer = std::function<GrpcAnswer(const std::string& method)>;

  explicit GrpcServer(Answer answer)
      : answer_(std::move(answer)),
        socket_([this](const std::string& p) { return Take(p); }, "", true) {}
  ~GrpcServer() = default;

  std::string path() const { return socket_.path(); }
  int connections() const { return socket_.connections(); }

 private:
  struct Stream {
    std::string method;
    GrpcAnswer answer;
    std::string body;
    std::size_t sent = 0;
  };
  struct SessionDeleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  std::string Take(const std::string& piece) {
    if (piece.starts_with("PRI ")) Begin();
    nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(piece.data()),
                             piece.size());
    std::string output;
    const std::uint8_t* data = nullptr;
    for (ssize_t bytes; (bytes = nghttp2_session_mem_send(session_.get(), &data)) > 0;)
      output.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(bytes));
    return output;
  }

  void Begin() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    session_.reset(session);
    streams_.clear();
    const nghttp2_settings_entry streams{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &streams, 1);
  }

  static nghttp2_nv Header(const char* name, const char* value) {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name)),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value)), std::strlen(name),
            std::strlen(value), NGHTTP2_NV_FLAG_NONE};
  }

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
                      std::uint8_t, void* self) {
    if (std::string(reinterpret_cast<const char*>(name), name_bytes) == ":path")
      static_cast<GrpcServer*>(self)->streams_[frame->hd.stream_id].method =
          std::string(reinterpret_cast<const char*>(value), value_bytes);
    return 0;
  }

  // The request is whole: headers, the message, and, at its end, the status.
  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    // Other types of frames have other meanings for that bit.
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    Stream& stream = static_cast<GrpcServer*>(self)->streams_[frame->hd.stream_id];
    stream.answer = static_cast<GrpcServer*>(self)->answer_(stream.method);
    const std::string& message = stream.answer.message;
    stream.body = std::string(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8)
      stream.body.push_back(static_cast<char>(message.size() >> shift & 0xff));
    stream.body += message;
    if (stream.answer.status != 0) stream.body.clear();
    const nghttp2_nv headers[] = {Header(":status", "200"),
                                  Header("content-type", "application/grpc")};
    const nghttp2_data_provider body{.source = {.ptr = &stream}, .read_callback = OnRead};
    return nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &body);
  }

  static ssize_t OnRead(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                        std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                        void*) {
    auto* stream = static_cast<Stream*>(source->ptr);
    const std::size_t bytes = std::min(room, stream->body.size() - stream->sent);
    std::memcpy(into, stream->body.data() + stream->sent, bytes);
    stream->sent += bytes;
    if (stream->sent == stream->body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const std::string status = std::to_string(stream->answer.status);
      const nghttp2_nv trailers[] = {Header("grpc-status", status.c_str())};
      nghttp2_submit_trailer(session, id, trailers, 1);
    }
    return static_cast<ssize_t>(bytes);
  }

  Answer answer_;
  std::map<std::int32_t, Stream> streams_;
  std::unique_ptr<nghttp2_session, SessionDeleter> session_;
  UnixServer socket_;  // last: its thread uses what is above
};

}  // namespace ballast::test

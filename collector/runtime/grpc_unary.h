#pragma once

// One gRPC call with one answer over a Unix socket: HTTP/2 without TLS, framed by
// nghttp2. What the CRI socket needs, and no more. Blocking, bounded in time and
// size; only threads that may wait call it.

#include <chrono>
#include <string>
#include <string_view>

#include "collector/base/result.h"

namespace ballast::runtime {

struct GrpcCall {
  std::string socket_path;
  std::string_view method;   // "/runtime.v1.RuntimeService/Version"
  std::string_view request;  // an encoded message
  std::chrono::milliseconds patience{5000};
  std::size_t max_answer = 64 << 20;
};

// The encoded answer. Errors: not_supported where the server does not know the
// method (UNIMPLEMENTED), else what it said; timed_out; no HTTP/2.
Result<std::string> CallGrpc(const GrpcCall& call);

}  // namespace ballast::runtime

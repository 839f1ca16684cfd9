#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/base/result.h"

namespace ballast::net {

class EventFeed;

// A request target taken apart and percent-decoded.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  // in order; a name may repeat
};
// "/api/v1/x?limit=5&workload=a%20b". Errors say what is malformed: no leading
// slash, bad escape, control characters.
Result<Target> ParseTarget(std::string_view target);

struct Endpoint {
  std::string address;  // numeric, without brackets
  unsigned short port = 0;
};
// "127.0.0.1:9435", "[::1]:9435", "localhost:0".
Result<Endpoint> ParseEndpoint(std::string_view text);

// Whether a Host header can be trusted by a server on a loopback address. A
// page of another site can make a browser ask that server under the site's own
// name (DNS rebinding); it cannot do so under a numeric address, localhost, a
// name without a dot, which cannot be bought, or one of `known`.
bool IsTrustedHost(std::string_view host, const std::vector<std::string>& known);

struct Request {
  std::string method;  // "GET"
  Target target;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // "label=value": the client may see only such workloads. Empty: everything.
  std::string scope = "";

  // The first of that name.
  std::optional<std::string_view> FindQuery(std::string_view name) const;
  std::optional<std::string_view> FindHeader(std::string_view lower_case_name) const;
};

// A body that is made elsewhere, piece by piece, as the client takes it.
// Destroyed when the client is gone or has all of it.
class Body {
 public:
  // Called on the loop's thread. `more` false: that was the last piece.
  using Done = std::function<void(std::string piece, bool more)>;
  virtual ~Body() = default;
  // Calls `done` once, later. Requires: the call before it was answered.
  virtual void Next(Done done) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      headers;  // beside Content-Type and -Length, Connection, Server

  // Set: the body is what this appends, piece by piece, as the client takes it;
  // false: that was the last piece. `body` is not used.
  std::function<bool(std::string& piece)> next_piece;
  // Set: the same, by another thread. The connection and its pending call own it.
  std::shared_ptr<Body> pieces = nullptr;
  // Set: the connection stays and gets what the feed sends (server-sent
  // events), after `body`. Outlives the server.
  EventFeed* feed = nullptr;
};

// {"error": "..."} with the status; `what` is one sentence.
Response MakeError(int status, std::string_view what);

}  // namespace ballast::net

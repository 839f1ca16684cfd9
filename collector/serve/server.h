#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector/base/result.h"
#include "collector/config/option_table.h"
#include "collector/metrics/registry.h"
#include "collector/model/record.h"
#include "collector/net/http_server.h"
#include "collector/net/stream_server.h"
#include "collector/serve/published.h"
#include "collector/serve/source_status.h"

namespace ballast::serve {

struct ServerOptions {
  net::HttpServerOptions http;
  net::StreamServerOptions stream{.path = "/run/ballast/records.sock"};
  std::string version;
  // Records not yet taken up by the stream's or the pages' thread. More are
  // dropped and counted; readers see the gap.
  std::uint64_t backlog_bytes = 64 << 20;
  // What the page's charts may keep: ten minutes of a hundred workloads, one of a
  // thousand; with it a collector of a thousand stays below 64 MB.
  std::uint64_t history_bytes = 8 << 20;
};

// Adds http.* and records.* to the collector's table.
void AddOptions(config::OptionTable& table, ServerOptions& options);

// All that leaves the collector: the record socket and HTTP, each on a thread
// of its own.
//
//   auto server = Server::Start(options, registry, [&](model::Record submitted) { ... });
//   (*server)->Publish({frame, record});  // both shared, neither copied
//
// Thread-safe. `on_submit` is called on the stream's thread with records that
// hold an event of a kind others may submit; it hands them to the pipeline,
// which gives them their place in the sequence and publishes them.
class Server {
 public:
  using OnSubmit = std::function<void(model::Record)>;

  // `registry` outlives the server. An address in use is one line that names it.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, metrics::Registry& registry,
                                               OnSubmit on_submit);
  ~Server();

  // Hands over a record and its frame; takes microseconds and never waits.
  void Publish(const Published& published);
  // For /api/v1/status: where each signal comes from, and why.
  void SetSources(std::vector<SourceStatus> sources);
  // "127.0.0.1:9435", with the port that was given for port 0.
  std::string http_address() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::serve

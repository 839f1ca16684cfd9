#include "collector/serve/server.h"

#include <algorithm>

#include "collector/serve/pages.h"
#include "collector/serve/record_stream.h"

namespace ballast::serve {

struct Server::Impl {
  std::unique_ptr<RecordStream> stream;
  std::unique_ptr<Pages> pages;
};

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, metrics::Registry& registry,
                                              OnSubmit on_submit) {
  auto impl = std::make_unique<Impl>();
  // The page's table has about a kilobyte for each workload: the bound must hold a few tables of
  // ten thousand. Listeners share their bytes.
  constexpr std::size_t kFeedQueueBytes = 64 << 20;
  options.http.max_feed_queue_bytes = std::max(options.http.max_feed_queue_bytes, kFeedQueueBytes);
  const auto backlog_bytes = static_cast<std::size_t>(options.backlog_bytes);
  // The page first: a port in use must not cost readers of a running collector anything.
  auto pages =
      Pages::Start({.http = std::move(options.http),
                    .version = std::move(options.version),
                    .backlog_bytes = backlog_bytes,
                    .events = {},
                    .history = {.max_bytes = static_cast<std::size_t>(options.history_bytes)},
                    .exposition = {}},
                   registry);
  if (!pages) return std::move(pages).error();
  impl->pages = *std::move(pages);
  auto stream =
      RecordStream::Start(std::move(options.stream), backlog_bytes, registry, std::move(on_submit));
  if (!stream) return std::move(stream).error();
  impl->stream = *std::move(stream);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

void Server::Publish(const Published& published) {
  impl_->stream->Publish(published);
  impl_->pages->Publish(published);
}

void Server::SetSources(std::vector<SourceStatus> sources) {
  impl_->pages->SetSources(std::move(sources));
}
std::string Server::http_address() const {
  return impl_->pages->address();
}

void AddOptions(config::OptionTable& table, ServerOptions& options) {
  table.Section("http", "The HTTP server: /metrics, /api/v1 and the page.");
  table.Add("http.listen", &options.http.listen,
            "Address and port; numeric, or localhost. Anything but loopback shows every workload "
            "to the network.");
  table.Add("http.max_connections", &options.http.max_connections, {.min = 1, .max = 10'000},
            "Connections at a time; more are answered 503.");
  table.AddBytes("http.history", &options.history_bytes, {.min = 1 << 20, .max = 1ULL << 32},
                 "Memory for the charts of the page: the last ten minutes of every workload, less "
                 "where that does not fit.");
  table.Add(
      "http.hosts", &options.http.hosts,
      "Names in the Host header that a loopback address answers to beside localhost, addresses and "
      "names without a dot; others are refused, because a web page could be behind them.");
  table.Add("http.tls_certificate", &options.http.tls.certificate,
            "Certificate chain (PEM); with it and its key HTTPS is spoken and HTTP is not.");
  table.Add("http.tls_key", &options.http.tls.key,
            "Its key (PEM), readable by owner and group alone.");
  table.Add("http.tls_client_ca", &options.http.tls.client_ca,
            "Only clients with a certificate that this one signed may connect; empty: any.");
  table.Add("http.bearer_token_file", &options.http.auth.bearer_tokens,
            "A token a line, perhaps followed by namespace=NAME, agent=NAME or another label that "
            "limits what "
            "its holder sees; empty: none. /healthz needs no credentials.");
  table.Add("http.users_file", &options.http.auth.users,
            "user:hash a line, hash as mkpasswd or htpasswd -B print it, limited in the same way; "
            "empty: none.");
  table.Section("records", "Where records go.");
  table.Add("records.socket", &options.stream.path,
            "Unix socket of the record stream, for the autoscaler and the command line.");
  table.Add("records.max_readers", &options.stream.max_clients, {.min = 1, .max = 1000},
            "Readers at a time.");
  table.AddBytes("records.backlog", &options.backlog_bytes, {.min = 1 << 20, .max = 1ULL << 32},
                 "Records that wait for a thread that hangs; more are dropped and counted.");
}

}  // namespace ballast::serve

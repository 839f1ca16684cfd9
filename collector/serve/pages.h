#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "collector/metrics/registry.h"
#include "collector/model/state.h"
#include "collector/net/event_loop.h"
#include "collector/net/http_server.h"
#include "collector/serve/audience.h"
#include "collector/serve/backlog.h"
#include "collector/serve/history.h"
#include "collector/serve/json_writer.h"
#include "collector/serve/metrics_page.h"
#include "collector/serve/published.h"
#include "collector/serve/rate_window.h"
#include "collector/serve/source_status.h"

namespace ballast::serve {

// Everything over HTTP, on a thread of its own with its own state:
//
//   /metrics              workloads and the collector itself, for Prometheus
//   /api/v1/workloads     every workload; ?view=table for a short form, ?workload=NAME for one
//   /api/v1/entities      what belongs to workloads; ?kind=device, vcpu, blame, ...; ?parent=REF
//   /api/v1/history       last minutes of one workload, or of the host (ref 0), a point a second;
//                         ?ref=REF or ?workload=NAME, ?since=MS; ?view=spark: CPU of all of them
//   /api/v1/decisions     last decisions and actuations; ?limit=, ?workload=
//   /api/v1/events        all kinds or ?kind=, the same parameters; ?stream=events, table or
//                         page (both in one connection: browsers allow six): server-sent
//   /api/v1/status        host, sources, counters
//   /healthz              200 while records arrive, else 503
//   /, /app.js, /app.css  the web page
//
// Every answer is for an audience: what credentials that are limited to a label may not see is not
// in it, as if it did not exist.
class Pages {
 public:
  struct Options {
    net::HttpServerOptions http;
    std::string version;
    std::size_t backlog_bytes = 64 << 20;
    EventLogOptions events;
    HistoryOptions history;
    exposition::ExpositionOptions exposition;
  };

  static Result<std::unique_ptr<Pages>> Start(Options options, metrics::Registry& registry);
  ~Pages();

  // Thread-safe; never waits. Over the backlog the record is dropped and counted.
  void Publish(const Published& published);
  // Thread-safe.
  void SetSources(std::vector<SourceStatus> sources);
  std::string address() const { return address_; }

 private:
  struct Route {
    std::string_view path;
    net::Response (Pages::*answer)(const net::Request&, Audience&);
  };
  static const std::vector<Route>& Routes();

  Pages(Options options, metrics::Registry& registry);
  void Apply(const model::Record& record);
  void SendTable();
  net::Response Handle(const net::Request& request);
  net::Response Metrics(const net::Request& request, Audience& audience);
  net::Response Workloads(const net::Request& request, Audience& audience);
  net::Response Decisions(const net::Request& request, Audience& audience);
  net::Response Events(const net::Request& request, Audience& audience);
  net::Response Entities(const net::Request& request, Audience& audience);
  net::Response HistoryOf(const net::Request& request, Audience& audience);
  net::Response Status(const net::Request& request, Audience& audience);
  net::Response Health(const net::Request& request, Audience& audience);
  net::Response WebPage(const net::Request& request, Audience& audience);
  Result<> AddTenants();
  std::optional<model::EntityRef> FindWorkload(std::string_view name, const Scope& scope) const;
  std::string WorkloadsJson(bool is_table, std::string_view only, const Scope& scope) const;
  void WriteHost(JsonWriter& json);
  bool IsBlameOnOthers(const Scope& scope, const model::Entity& entity) const;
  void WriteBlameOnOthers(JsonWriter& json, const Scope& scope,
                          std::optional<model::EntityRef> parent) const;
  Audience& AudienceOf(const net::Request& request);
  template <typename Visit>
  void ForEachAudience(Visit&& visit) {
    visit(everybody_);
    for (auto& [name, tenant] : tenants_) visit(tenant);
  }
  static net::Response EventList(const net::Request& request, const Audience& audience,
                                 std::vector<model::EventKind> kinds);

  Options options_;
  metrics::Registry& registry_;  // outlives this
  Backlog backlog_;
  metrics::Counter publish_dropped_, connections_refused_;
  model::State state_;
  RateWindow rates_;
  History history_;
  Audience everybody_;
  std::map<std::string, Audience> tenants_;  // by what their credentials are limited to
  std::vector<SourceStatus> sources_;
  std::chrono::steady_clock::time_point last_record_{};
  std::string address_;
  net::EventLoop loop_;
  MetricsPage metrics_page_;  // before the server, whose connections have pages of it
  net::EventLoop::Handle table_timer_;
  std::unique_ptr<net::HttpServer> server_;
  std::thread thread_;
};

}  // namespace ballast::serve

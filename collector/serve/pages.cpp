#include "collector/serve/pages.h"

#include <pthread.h>

#include <algorithm>
#include <charconv>

#include "collector/serve/answer.h"
#include "collector/serve/record_json.h"

namespace ballast::serve {

using metrics::Metric;

namespace {

constexpr std::size_t kMaxEventLimit = 1000;
// Three ticks of the slowest permitted rate would be 30 s; a healthy collector
// ticks ten times a second.
constexpr auto kFreshFor = std::chrono::seconds(5);
// Above every kind that there is, or will be for long.
constexpr std::uint16_t kEventKindsEnd = 256;

std::optional<model::EventKind> FindEventKind(std::string_view name) {
  for (std::uint16_t number = 0; name != "unknown" && number < kEventKindsEnd; ++number)
    if (model::NameOf(model::EventKind{number}) == name) return model::EventKind{number};
  return std::nullopt;
}

}  // namespace

const std::vector<Pages::Route>& Pages::Routes() {
  static const std::vector<Route> kRoutes = {
      {"/metrics", &Pages::Metrics},
      {"/api/v1/workloads", &Pages::Workloads},
      {"/api/v1/entities", &Pages::Entities},
      {"/api/v1/history", &Pages::HistoryOf},
      {"/api/v1/decisions", &Pages::Decisions},
      {"/api/v1/events", &Pages::Events},
      {"/api/v1/status", &Pages::Status},
      {"/healthz", &Pages::Health},
      {"/", &Pages::WebPage},
      {"/app.js", &Pages::WebPage},
      {"/app.css", &Pages::WebPage},
  };
  return kRoutes;
}

Pages::Pages(Options options, metrics::Registry& registry)
    : options_(std::move(options)),
      registry_(registry),
      backlog_(options_.backlog_bytes),
      publish_dropped_(registry.GetCounter(Metric::kPublishQueueDropped)),
      connections_refused_(registry.GetCounter(Metric::kHttpConnectionsRefused)),
      history_(options_.history),
      events_(options_.events),
      metrics_page_(loop_, registry, options_.exposition) {}

Result<std::unique_ptr<Pages>> Pages::Start(Options options, metrics::Registry& registry) {
  std::unique_ptr<Pages> pages(new Pages(std::move(options), registry));
  Pages* const self = pages.get();
  pages->options_.http.open_paths = {"/healthz"};  // who probes has no secrets
  auto server = net::HttpServer::Listen(
      pages->loop_, pages->options_.http,
      {.handle = [self](const net::Request& request) { return self->Handle(request); },
       .on_refused =
           [self](int status) {
             if (status == 503) self->connections_refused_.Add();
             self->registry_.GetCounter(Metric::kHttpRequests, {std::to_string(status), "refused"})
                 .Add();
           }});
  if (!server) return std::move(server).error();
  pages->server_ = *std::move(server);
  for (const std::string& scope : pages->server_->scopes())
    if (auto parsed = MetricsPage::ParseScope(scope); !parsed)
      return std::move(parsed).error().Context("HTTP credentials");
  pages->address_ = pages->server_->address();
  pages->table_timer_ = pages->loop_.Every(std::chrono::seconds(1), [self] { self->SendTable(); });
  pages->thread_ = std::thread([self] {
    ::pthread_setname_np(::pthread_self(), "ballast-http");
    self->loop_.Run();
  });
  return pages;
}

Pages::~Pages() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

void Pages::Publish(const Published& published) {
  if (!backlog_.Take(published.frame->size())) return publish_dropped_.Add();
  loop_.Post([this, published] {
    backlog_.Done(published.frame->size());
    Apply(*published.record);
  });
}

void Pages::SetSources(std::vector<SourceStatus> sources) {
  loop_.Post([this, sources = std::move(sources)]() mutable { sources_ = std::move(sources); });
}

void Pages::Apply(const model::Record& record) {
  last_record_ = std::chrono::steady_clock::now();
  const auto* event = std::get_if<model::Event>(&record.body);
  // An event about a death is told while the dead still has a name.
  const bool is_death = event != nullptr && event->kind == model::EventKind::kWorkloadDied;
  metrics_page_.Observe(state_, record);
  if (!is_death) state_.Apply(record);
  if (event != nullptr) {
    const std::string& json = events_.Add(record, *event, state_);
    event_feed_.Send("event", json);
    page_feed_.Send("event", json);
  }
  if (is_death) state_.Apply(record);
  rates_.Observe(state_);
  history_.Observe(record, state_);
}

void Pages::SendTable() {
  if (table_feed_.listeners() + page_feed_.listeners() == 0) return;
  const std::string table = WorkloadsJson(true, "");
  table_feed_.Send("table", table);
  page_feed_.Send("table", table);
}

net::Response Pages::Handle(const net::Request& request) {
  // The pages show everybody; a tenant sees its own by the metrics, which know whose is whose.
  if (!request.scope.empty() && request.target.path != "/metrics" &&
      request.target.path != "/healthz")
    return net::MakeError(
        403, "these credentials are limited to " + request.scope + " and so to /metrics");
  const auto count = [this](std::string_view path, net::Response response) {
    registry_.GetCounter(Metric::kHttpRequests, {std::to_string(response.status), path}).Add();
    return response;
  };
  std::string known;
  for (const Route& route : Routes()) {
    if (request.target.path != route.path) {
      known.append(known.empty() ? "" : ", ").append(route.path);
      continue;
    }
    if (request.method == "GET" || request.method == "HEAD")
      return count(route.path, (this->*route.answer)(request));
    auto refused = net::MakeError(405, "only GET and HEAD are answered here");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return count(route.path, std::move(refused));
  }
  return count("unknown", net::MakeError(404, "no such path; known: " + known));
}

net::Response Pages::Metrics(const net::Request& request) {
  return metrics_page_.Answer(request, state_);
}

std::string Pages::WorkloadsJson(bool is_table, std::string_view only) const {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  if (state_.is_whole()) {
    const model::RecordHeader& header = state_.header();
    json.Key("host").Text(header.host).Key("sequence").Number(header.sequence);
    json.Key("at_ns")
        .Signed(header.at.count())
        .Key("wall_ns")
        .Signed((header.at + header.wall_offset).count());
    for (const auto field : {model::Field::kCpusOnline, model::Field::kMemoryTotalBytes,
                             model::Field::kMemoryAvailableBytes})
      if (const auto value = state_.host().Get(field)) json.Key(InfoOf(field).name).Number(*value);
  }
  json.Key("workloads").BeginArray();
  for (const auto& [ref, entity] : state_.entities()) {
    if (!model::IsWorkload(entity.kind) || (!only.empty() && !IsNamed(entity, only))) continue;
    const auto rates = rates_.Of(ref, entity, state_.header().at);
    is_table ? WriteWorkloadRow(json, ref, entity, rates, history_)
             : WriteWorkload(json, ref, entity, rates);
  }
  json.EndArray().EndObject();
  return out;
}

net::Response Pages::Workloads(const net::Request& request) {
  if (const auto stranger = FindStranger(request, {"view", "workload"}))
    return UnknownParameter(*stranger, "view, workload");
  const auto view = request.FindQuery("view").value_or("full");
  if (view != "full" && view != "table") return net::MakeError(400, "view: use full or table");
  return MakeJson(WorkloadsJson(view == "table", request.FindQuery("workload").value_or("")));
}

net::Response Pages::EventList(const net::Request& request,
                               std::vector<model::EventKind> kinds) const {
  EventLog::Filter filter{std::move(kinds), std::string(request.FindQuery("workload").value_or("")),
                          100};
  if (const auto limit = request.FindQuery("limit")) {
    const auto [end, error] =
        std::from_chars(limit->data(), limit->data() + limit->size(), filter.limit);
    if (error != std::errc() || end != limit->data() + limit->size() || filter.limit == 0 ||
        filter.limit > kMaxEventLimit)
      return net::MakeError(400, "limit: use a number from 1 to " + std::to_string(kMaxEventLimit));
  }
  return MakeJson("{\"events\":" + events_.Write(filter) + "}");
}

net::Response Pages::Decisions(const net::Request& request) {
  if (const auto stranger = FindStranger(request, {"limit", "workload"}))
    return UnknownParameter(*stranger, "limit, workload");
  using enum model::EventKind;
  return EventList(request, {kDecision, kActuation, kAutoscaler, kMigration});
}

net::Response Pages::Events(const net::Request& request) {
  if (const auto stranger = FindStranger(request, {"limit", "workload", "kind", "stream"}))
    return UnknownParameter(*stranger, "limit, workload, kind, stream");
  const auto stream = request.FindQuery("stream");
  if (!stream) {
    const auto name = request.FindQuery("kind");
    if (!name) return EventList(request, {});
    const auto kind = FindEventKind(*name);
    if (!kind) return net::MakeError(400, "kind: no event is called so; tool_call, decision, ...");
    return EventList(request, {*kind});
  }
  if (*stream != "events" && *stream != "table" && *stream != "page")
    return net::MakeError(400, "stream: use events, table or page");
  net::Response response;
  response.feed = *stream == "table"  ? &table_feed_
                  : *stream == "page" ? &page_feed_
                                      : &event_feed_;
  if (*stream != "events") response.body = net::EventFeed::Format("table", WorkloadsJson(true, ""));
  return response;
}

net::Response Pages::Status(const net::Request& request) {
  if (const auto stranger = FindStranger(request, {})) return UnknownParameter(*stranger, "none");
  std::string out;
  JsonWriter json(out);
  json.BeginObject().Key("version").Text(options_.version);
  if (state_.is_whole()) {
    const model::RecordHeader& header = state_.header();
    json.Key("host")
        .Text(header.host)
        .Key("boot_id")
        .Text(header.boot_id)
        .Key("incarnation")
        .Number(header.incarnation);
    json.Key("sequence").Number(header.sequence).Key("at_ns").Signed(header.at.count());
    json.Key("wall_ns").Signed((header.at + header.wall_offset).count());
    WriteFields(json.Key("fields"), state_.host());
  }
  json.Key("sources").BeginArray();
  for (const SourceStatus& source : sources_)
    json.BeginObject()
        .Key("what")
        .Text(source.what)
        .Key("via")
        .Text(source.via)
        .Key("why")
        .Text(source.why)
        .EndObject();
  json.EndArray().Key("losses").BeginArray();
  for (const auto& [ref, entity] : state_.entities())
    if (entity.kind == model::EntityKind::kLoss) WriteFields(json, entity.fields);
  json.EndArray().Key("counters").BeginObject();
  json.Key("http_connections").Number(server_->connections());
  json.Key("page_listeners")
      .Number(table_feed_.listeners() + event_feed_.listeners() + page_feed_.listeners());
  json.Key("page_listeners_dropped")
      .Number(table_feed_.dropped() + event_feed_.dropped() + page_feed_.dropped());
  json.Key("records_dropped").Real(publish_dropped_.Value());
  json.Key("history_bytes").Number(history_.bytes());
  json.Key("history_seconds").Signed(history_.kept().count());
  json.EndObject().EndObject();
  return MakeJson(std::move(out));
}

net::Response Pages::Health(const net::Request&) {
  if (!state_.is_whole()) return net::MakeError(503, "no record yet");
  if (std::chrono::steady_clock::now() - last_record_ > kFreshFor)
    return net::MakeError(503, "no record for 5 s");
  return MakeText("text/plain; charset=utf-8", "ok\n");
}

}  // namespace ballast::serve

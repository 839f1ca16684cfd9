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
constexpr std::size_t kMinTenantBytes = 256 << 10;
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
      everybody_("", {}, options_.events),
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
  BALLAST_TRY_DO(pages->AddTenants(), "HTTP credentials");
  pages->address_ = pages->server_->address();
  pages->table_timer_ = pages->loop_.Every(std::chrono::seconds(1), [self] { self->SendTable(); });
  pages->thread_ = std::thread([self] {
    ::pthread_setname_np(::pthread_self(), "ballast-http");
    self->loop_.Run();
  });
  return pages;
}

Result<> Pages::AddTenants() {
  const auto names = server_->scopes();
  // Together they may remember as much as everybody does, but each a little.
  EventLogOptions share = options_.events;
  share.max_bytes = std::max(kMinTenantBytes, share.max_bytes / (names.size() + 1));
  for (const std::string& name : names) {
    auto scope = ParseScope(name);
    if (!scope) return std::move(scope).error();
    tenants_.try_emplace(name, name, *std::move(scope), share);
  }
  return Ok();
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
    ForEachAudience([&](Audience& audience) {
      const std::string* json = audience.events.Add(record, *event, state_);
      if (json == nullptr) return;
      audience.event_feed.Send("event", *json);
      audience.page_feed.Send("event", *json);
    });
  }
  if (is_death) state_.Apply(record);
  rates_.Observe(record, state_);
  history_.Observe(record, state_);
}

void Pages::SendTable() {
  ForEachAudience([&](Audience& audience) {
    if (audience.table_feed.listeners() + audience.page_feed.listeners() == 0) return;
    const std::string table = WorkloadsJson(true, "", audience.scope);
    audience.table_feed.Send("table", table);
    audience.page_feed.Send("table", table);
  });
}

Audience& Pages::AudienceOf(const net::Request& request) {
  return request.scope.empty() ? everybody_ : tenants_.at(request.scope);
}

net::Response Pages::Handle(const net::Request& request) {
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
      return count(route.path, (this->*route.answer)(request, AudienceOf(request)));
    auto refused = net::MakeError(405, "only GET and HEAD are answered here");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return count(route.path, std::move(refused));
  }
  return count("unknown", net::MakeError(404, "no such path; known: " + known));
}

net::Response Pages::Metrics(const net::Request& request, Audience& audience) {
  return metrics_page_.Answer(request, state_, audience.scope);
}

std::string Pages::WorkloadsJson(bool is_table, std::string_view only, const Scope& scope) const {
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
    // How full the host is tells about the others on it.
    for (const auto field : {model::Field::kCpusOnline, model::Field::kMemoryTotalBytes,
                             model::Field::kMemoryAvailableBytes})
      if (const auto value = state_.host().Get(field); value && !scope)
        json.Key(InfoOf(field).name).Number(*value);
  }
  json.Key("workloads").BeginArray();
  for (const auto& [ref, entity] : state_.entities()) {
    if (!model::IsWorkload(entity.kind) || (!only.empty() && !IsNamed(entity, only))) continue;
    if (!MaySee(scope, state_, entity)) continue;
    const auto rates = rates_.Of(ref, entity, state_.header().at);
    is_table ? WriteWorkloadRow(json, ref, entity, rates, history_)
             : WriteWorkload(json, ref, entity, rates);
  }
  json.EndArray().EndObject();
  return out;
}

net::Response Pages::Workloads(const net::Request& request, Audience& audience) {
  if (const auto stranger = FindStranger(request, {"view", "workload"}))
    return UnknownParameter(*stranger, "view, workload");
  const auto view = request.FindQuery("view").value_or("full");
  if (view != "full" && view != "table") return net::MakeError(400, "view: use full or table");
  const auto only = request.FindQuery("workload").value_or("");
  return MakeJson(WorkloadsJson(view == "table", only, audience.scope));
}

net::Response Pages::EventList(const net::Request& request, const Audience& audience,
                               std::vector<model::EventKind> kinds) {
  EventLog::Filter filter{std::move(kinds), std::string(request.FindQuery("workload").value_or("")),
                          100};
  if (const auto limit = request.FindQuery("limit")) {
    const auto [end, error] =
        std::from_chars(limit->data(), limit->data() + limit->size(), filter.limit);
    if (error != std::errc() || end != limit->data() + limit->size() || filter.limit == 0 ||
        filter.limit > kMaxEventLimit)
      return net::MakeError(400, "limit: use a number from 1 to " + std::to_string(kMaxEventLimit));
  }
  return MakeJson("{\"events\":" + audience.events.Write(filter) + "}");
}

net::Response Pages::Decisions(const net::Request& request, Audience& audience) {
  if (const auto stranger = FindStranger(request, {"limit", "workload"}))
    return UnknownParameter(*stranger, "limit, workload");
  using enum model::EventKind;
  return EventList(request, audience, {kDecision, kActuation, kAutoscaler, kMigration});
}

net::Response Pages::Events(const net::Request& request, Audience& audience) {
  if (const auto stranger = FindStranger(request, {"limit", "workload", "kind", "stream"}))
    return UnknownParameter(*stranger, "limit, workload, kind, stream");
  const auto stream = request.FindQuery("stream");
  if (!stream) {
    const auto name = request.FindQuery("kind");
    if (!name) return EventList(request, audience, {});
    const auto kind = FindEventKind(*name);
    if (!kind) return net::MakeError(400, "kind: no event is called so; tool_call, decision, ...");
    return EventList(request, audience, {*kind});
  }
  if (*stream != "events" && *stream != "table" && *stream != "page")
    return net::MakeError(400, "stream: use events, table or page");
  net::Response response;
  response.feed = *stream == "table"  ? &audience.table_feed
                  : *stream == "page" ? &audience.page_feed
                                      : &audience.event_feed;
  if (*stream != "events")
    response.body = net::EventFeed::Format("table", WorkloadsJson(true, "", audience.scope));
  return response;
}

net::Response Pages::Status(const net::Request& request, Audience& audience) {
  if (const auto stranger = FindStranger(request, {})) return UnknownParameter(*stranger, "none");
  std::string out;
  JsonWriter json(out);
  json.BeginObject().Key("version").Text(options_.version);
  if (audience.scope) json.Key("limited_to").Text(audience.name);
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
  json.EndArray();
  if (!audience.scope) WriteHost(json);
  json.EndObject();
  return MakeJson(std::move(out));
}

void Pages::WriteHost(JsonWriter& json) {
  if (state_.is_whole()) WriteFields(json.Key("fields"), state_.host());
  json.Key("losses").BeginArray();
  for (const auto& [ref, entity] : state_.entities())
    if (entity.kind == model::EntityKind::kLoss) WriteFields(json, entity.fields);
  std::size_t listeners = 0;
  std::uint64_t dropped = 0;
  ForEachAudience([&](const Audience& audience) {
    for (const auto* feed : {&audience.table_feed, &audience.event_feed, &audience.page_feed}) {
      listeners += feed->listeners();
      dropped += feed->dropped();
    }
  });
  json.EndArray().Key("counters").BeginObject();
  json.Key("http_connections").Number(server_->connections());
  json.Key("page_listeners").Number(listeners);
  json.Key("page_listeners_dropped").Number(dropped);
  json.Key("records_dropped").Real(publish_dropped_.Value());
  json.Key("history_bytes").Number(history_.bytes());
  json.Key("history_seconds").Signed(history_.kept().count());
  json.EndObject();
}

net::Response Pages::Health(const net::Request&, Audience&) {
  if (!state_.is_whole()) return net::MakeError(503, "no record yet");
  if (std::chrono::steady_clock::now() - last_record_ > kFreshFor)
    return net::MakeError(503, "no record for 5 s");
  return MakeText("text/plain; charset=utf-8", "ok\n");
}

}  // namespace ballast::serve

// The answers that the web page's charts are made of.

#include <charconv>

#include "collector/serve/answer.h"
#include "collector/serve/pages.h"
#include "collector/serve/record_json.h"
#include "collector/serve/web_files.h"

namespace ballast::serve {

namespace {

// Points of a fleet table's small charts: two minutes.
constexpr std::size_t kSparkPoints = 120;

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

net::Response Pages::Entities(const net::Request& request, Audience& audience) {
  if (const auto stranger = FindStranger(request, {"kind", "parent"}))
    return UnknownParameter(*stranger, "kind, parent");
  const Scope& scope = audience.scope;
  const auto kind = request.FindQuery("kind");
  const auto parent_text = request.FindQuery("parent");
  if (!kind && !parent_text) return net::MakeError(400, "name a kind or a parent");
  std::optional<model::EntityRef> parent;
  if (parent_text) {
    const auto number = ParseNumber<std::uint32_t>(*parent_text);
    if (!number) return net::MakeError(400, "parent: use a workload's ref, a number");
    parent = model::EntityRef{*number};
  }
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  if (state_.is_whole()) json.Key("at_ns").Signed(state_.header().at.count());
  json.Key("entities").BeginArray();
  for (const auto& [ref, entity] : state_.entities()) {
    if (ref == model::kHostRef || (kind && model::NameOf(entity.kind) != *kind)) continue;
    if (parent && entity.parent != *parent) continue;
    if (!MaySee(scope, state_, entity) || IsBlameOnOthers(scope, entity)) continue;
    WriteEntity(json, ref, entity);
  }
  if (scope && (!kind || *kind == model::NameOf(model::EntityKind::kBlame)))
    WriteBlameOnOthers(json, scope, parent);
  json.EndArray().EndObject();
  return MakeJson(std::move(out));
}

bool Pages::IsBlameOnOthers(const Scope& scope, const model::Entity& entity) const {
  if (!scope || entity.kind != model::EntityKind::kBlame) return false;
  const auto holder = entity.fields.Get(model::Field::kHolder).value_or(0);
  return !MaySee(scope, state_, model::EntityRef{static_cast<std::uint32_t>(holder)});
}

// A tenant learns how long it waited for others, not for how many and whom.
void Pages::WriteBlameOnOthers(JsonWriter& json, const Scope& scope,
                               std::optional<model::EntityRef> parent) const {
  std::map<model::EntityRef, std::pair<model::EntityRef, model::Entity>> sums;  // by who waited
  for (const auto& [ref, entity] : state_.entities()) {
    if (parent && entity.parent != *parent) continue;
    if (!MaySee(scope, state_, entity) || !IsBlameOnOthers(scope, entity)) continue;
    auto& [first, sum] =
        sums.try_emplace(entity.parent, ref, model::Entity{entity.kind, entity.parent, {}})
            .first->second;
    sum.fields.Set(model::Field::kBlameWaitNs,
                   sum.fields.Get(model::Field::kBlameWaitNs).value_or(0) +
                       entity.fields.Get(model::Field::kBlameWaitNs).value_or(0));
  }
  for (const auto& [waiter, sum] : sums) WriteEntity(json, sum.first, sum.second);
}

std::optional<model::EntityRef> Pages::FindWorkload(std::string_view name,
                                                    const Scope& scope) const {
  for (const auto& [ref, entity] : state_.entities())
    if (model::IsWorkload(entity.kind) && IsNamed(entity, name) && MaySee(scope, state_, entity))
      return ref;
  return std::nullopt;
}

net::Response Pages::HistoryOf(const net::Request& request, Audience& audience) {
  if (const auto stranger = FindStranger(request, {"ref", "workload", "since", "view"}))
    return UnknownParameter(*stranger, "ref, workload, since, view");
  const auto view = request.FindQuery("view").value_or("one");
  if (view != "one" && view != "spark") return net::MakeError(400, "view: use one or spark");
  const auto since_ms = ParseNumber<std::int64_t>(request.FindQuery("since").value_or("0"));
  // The year 2096: in nanoseconds it still fits 64 bits.
  constexpr std::int64_t kMaxMilliseconds = 4'000'000'000'000;
  if (!since_ms || *since_ms < 0 || *since_ms > kMaxMilliseconds)
    return net::MakeError(400, "since: use milliseconds since 1970, as times_ms has them");
  std::optional<model::EntityRef> ref = model::kHostRef;
  if (const auto text = request.FindQuery("ref")) {
    const auto number = ParseNumber<std::uint32_t>(*text);
    if (!number) return net::MakeError(400, "ref: use a workload's ref, a number");
    ref = model::EntityRef{*number};
  } else if (const auto name = request.FindQuery("workload")) {
    ref = FindWorkload(*name, audience.scope);
  }
  std::string out;
  JsonWriter json(out);
  json.BeginObject().Key("step_ms").Number(1000);
  if (view == "spark") {
    history_.WriteSparks(json.Key("workloads"), state_, kSparkPoints, audience.scope);
  } else {
    if (!ref || !MaySee(audience.scope, state_, *ref))
      return net::MakeError(404, "no such workload now");
    const auto offset = state_.header().wall_offset;
    // The last millisecond was cut off when times_ms was written.
    const auto since = std::chrono::milliseconds(*since_ms + 1) - offset;
    history_.Write(json, *ref, *since_ms == 0 ? BootTime{} : since, offset);
  }
  json.EndObject();
  return MakeJson(std::move(out));
}

net::Response Pages::WebPage(const net::Request& request, Audience&) {
  for (const WebFile& file : WebFiles()) {
    if (file.path != request.target.path) continue;
    auto response = MakeText(std::string(file.content_type), std::string(file.body));
    // The page brings everything along; nothing may be fetched from elsewhere.
    response.headers.emplace_back(
        "Content-Security-Policy",
        "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    return response;
  }
  return net::MakeError(404, "built without the web page (BALLAST_WEB=OFF)");
}

}  // namespace ballast::serve

#include "collector/runtime/docker_api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>
#include <optional>

#include "collector/runtime/unix_request.h"

namespace ballast::runtime {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::chrono::milliseconds kUpdatePatience{1000};
// 10,000 containers with long labels; more is no list that anybody sent on purpose.
constexpr std::size_t kMaxBody = 64 << 20;

struct Head {
  int status = 0;
  std::optional<std::size_t> length;
  bool is_chunked = false;
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::optional<std::size_t> ParseSize(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data() || value > kMaxBody) return std::nullopt;
  return value;
}

Result<Head> ReadHead(UnixConversation& daemon) {
  BALLAST_TRY(const std::string status, daemon.ReadLine(8192), "status line");
  Head head;
  const std::size_t space = status.find(' ');
  if (!status.starts_with("HTTP/1.") || space == std::string::npos)
    return Error::Invalid("not an HTTP answer");
  std::from_chars(status.data() + space + 1, status.data() + status.size(), head.status);
  for (int i = 0; i < 100; ++i) {
    BALLAST_TRY(const std::string line, daemon.ReadLine(8192), "header");
    if (line.empty()) return head;
    const std::string lower = Lower(line);
    if (lower.starts_with("content-length:"))
      head.length = ParseSize(std::string_view(lower).substr(lower.find_first_not_of(' ', 15)), 10);
    if (lower.starts_with("transfer-encoding:") && lower.find("chunked") != std::string::npos)
      head.is_chunked = true;
  }
  return Error::Invalid("too many headers");
}

Result<std::string> ReadChunks(UnixConversation& daemon) {
  std::string body;
  for (;;) {
    BALLAST_TRY(const std::string line, daemon.ReadLine(1024), "chunk");
    const auto size = ParseSize(line, 16);
    if (!size || body.size() + *size > kMaxBody) return Error::Invalid("bad chunk");
    if (*size == 0) return body;
    BALLAST_TRY(const std::string chunk, daemon.Read(*size), "chunk");
    body += chunk;
    BALLAST_TRY(const std::string end, daemon.ReadLine(16), "chunk");
    if (!end.empty()) return Error::Invalid("bad chunk");
  }
}

std::string TextOf(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

ContainerInfo InfoOf(const json::object& object) {
  ContainerInfo info{TextOf(object, "Id"), {}, TextOf(object, "Image"), {}};
  // Docker lists one name for each link, the container's own without a second slash.
  if (const json::value* names = object.if_contains("Names"); names != nullptr && names->is_array())
    for (const json::value& name : names->as_array()) {
      if (!name.is_string()) continue;
      std::string_view text = name.as_string();
      if (text.starts_with('/')) text.remove_prefix(1);
      if (info.name.empty() && text.find('/') == std::string_view::npos) info.name = text;
    }
  if (const json::value* labels = object.if_contains("Labels");
      labels != nullptr && labels->is_object())
    for (const auto& [key, value] : labels->as_object())
      if (value.is_string()) info.labels[std::string(key)] = std::string(value.as_string());
  return info;
}

struct Answer {
  int status = 0;
  std::string body;
};

// `request`: method and target. An empty body is none.
Result<Answer> Ask(const std::string& socket_path, const std::string& request,
                   const std::string& body, std::chrono::milliseconds patience) {
  BALLAST_TRY(auto daemon, UnixConversation::Open(socket_path, patience), request);
  std::string head = request + " HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n";
  if (!body.empty())
    head +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  BALLAST_TRY_DO(daemon.Send(head + "Connection: close\r\n\r\n" + body), request);
  BALLAST_TRY(const Head answered, ReadHead(daemon), socket_path);
  auto text = answered.is_chunked ? ReadChunks(daemon)
              : answered.length   ? daemon.Read(*answered.length)
                                  : daemon.ReadAll(kMaxBody);
  if (!text) return std::move(text).error().Context(socket_path);
  return Answer{answered.status, *std::move(text)};
}

std::string ToJson(const ContainerLimits& limits, bool as_nano_cpus) {
  json::object object;
  const auto set = [&](const char* key, const std::optional<std::int64_t>& value) {
    if (value) object[key] = *value;
  };
  if (!as_nano_cpus) {
    set("CpuQuota", limits.cpu_quota_us);
    set("CpuPeriod", limits.cpu_period_us);
  } else if (*limits.cpu_quota_us > 0 && limits.cpu_period_us.value_or(0) > 0) {
    object["NanoCpus"] = *limits.cpu_quota_us * 1'000'000'000 / *limits.cpu_period_us;
  }
  set("CpuShares", limits.cpu_shares);
  set("Memory", limits.memory_bytes);
  set("MemorySwap", limits.memory_swap_bytes);
  return json::serialize(object);
}

}  // namespace

Result<std::vector<ContainerInfo>> ParseContainerList(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_array()) return Error::Invalid("the list of containers is no JSON array");
  std::vector<ContainerInfo> containers;
  for (const json::value& entry : value.as_array()) {
    if (!entry.is_object()) continue;
    ContainerInfo info = InfoOf(entry.as_object());
    if (!info.id.empty()) containers.push_back(std::move(info));
  }
  return containers;
}

Result<std::vector<ContainerInfo>> ListContainers(const std::string& socket_path) {
  BALLAST_TRY(const Answer answer, Ask(socket_path, "GET /containers/json", "", kPatience),
              "container list");
  if (answer.status != 200)
    return Error::Invalid(socket_path + ": status " + std::to_string(answer.status));
  return ParseContainerList(answer.body);
}

Result<> UpdateContainer(const std::string& socket_path, const std::string& id,
                         const ContainerLimits& limits) {
  const std::string request = "POST /containers/" + id + "/update";
  BALLAST_TRY(Answer answer, Ask(socket_path, request, ToJson(limits, false), kUpdatePatience),
              "container update");
  // A container that was made with --cpus keeps its quota as billionths of a CPU, and only so.
  if (answer.status != 200 && limits.cpu_quota_us &&
      Lower(answer.body).find("nanocpus") != std::string::npos) {
    BALLAST_TRY(answer, Ask(socket_path, request, ToJson(limits, true), kUpdatePatience),
                "container update");
  }
  if (answer.status == 200) return Ok();
  if (answer.status == 404) return Error::FromErrno(ESRCH, id + ": no such container");
  return Error::Invalid(socket_path + ": " + answer.body.substr(0, 300));
}

}  // namespace ballast::runtime

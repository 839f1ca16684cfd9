#include "dashboards/cli/collector_events.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <limits>
#include <map>

#include "collector/base/fd.h"

namespace ballast::cli {
namespace {

namespace json = boost::json;
using model::Field;
using model::FieldSet;

constexpr std::string_view kPath = "/api/v1/decisions?limit=1000";
// The server answers from memory; 1,000 decisions are about a megabyte.
constexpr std::size_t kLongestAnswer = std::size_t{64} << 20;
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

std::int64_t Whole(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

std::string_view Text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

// The other direction of serve::WriteFields().
FieldSet FieldsOf(const json::object& parent) {
  FieldSet fields;
  const json::value* given = parent.if_contains("fields");
  if (given == nullptr || !given->is_object()) return fields;
  for (const auto& [name, value] : given->get_object()) {
    const auto field = model::FindFieldByName(name);
    if (!field) continue;
    const model::FieldType type = model::InfoOf(*field).type;
    if (type == model::FieldType::kText && value.is_string())
      fields.SetText(*field, value.get_string());
    else if (type == model::FieldType::kReal)
      fields.SetReal(*field, value.is_number() ? value.to_number<double>()
                                               : std::numeric_limits<double>::infinity());
    else if (value.is_string())
      fields.Set(*field, model::kUnlimited);
    else if (value.is_number())
      fields.Set(*field, value.to_number<std::uint64_t>());
  }
  return fields;
}

// Everybody who is named, once.
class Who {
 public:
  model::EntityRef Add(const json::object& who) {
    const model::EntityRef ref{static_cast<std::uint32_t>(Whole(who, "ref"))};
    if (ref == model::kHostRef || Text(who, "name").empty()) return ref;
    FieldSet& fields = fields_[ref];
    fields.SetText(Field::kName, Text(who, "name"));
    fields.SetText(Field::kPath, Text(who, "path"));
    return ref;
  }
  model::Key AsKey() const {
    model::Key key;
    key.entities.push_back({model::kHostRef, model::EntityKind::kHost, {}, {}, {}});
    for (const auto& [ref, fields] : fields_)
      key.entities.push_back({ref, model::EntityKind::kContainer, {}, fields, {}});
    return key;
  }

 private:
  std::map<model::EntityRef, FieldSet> fields_;
};

std::optional<model::Event> EventOf(const json::object& given, Who& who) {
  model::Event event;
  const std::string_view kind = Text(given, "kind");
  if (kind == model::NameOf(model::EventKind::kDecision))
    event.kind = model::EventKind::kDecision;
  else if (kind == model::NameOf(model::EventKind::kActuation))
    event.kind = model::EventKind::kActuation;
  else
    return std::nullopt;
  if (const json::value* subject = given.if_contains("subject"); subject && subject->is_object())
    event.subject = who.Add(subject->get_object());
  event.fields = FieldsOf(given);
  const json::value* rows = given.if_contains("rows");
  for (const json::value& row : rows && rows->is_array() ? rows->get_array() : json::array())
    if (row.is_object())
      event.rows.push_back({who.Add(row.get_object()), {}, {}, FieldsOf(row.get_object()), {}});
  return event;
}

Result<Fd> Connect(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos)
    return Error::Invalid(address + ": is no address and port, like 127.0.0.1:9435");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(address.substr(0, colon).c_str(),
                                 address.substr(colon + 1).c_str(), &hints, &found);
  if (code != 0) return Error::Invalid(address + ": " + ::gai_strerror(code));
  int failed = 0;
  Fd connected;
  for (const addrinfo* one = found; one != nullptr && !connected.is_open(); one = one->ai_next) {
    Fd fd(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    if (!fd.is_open()) continue;
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
      ::setsockopt(fd.get(), SOL_SOCKET, option, &kPatience, sizeof kPatience);
    if (::connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0)
      connected = std::move(fd);
    else
      failed = errno;
  }
  ::freeaddrinfo(found);
  if (!connected.is_open()) return Error::FromErrno(failed, address);
  return connected;
}

// HTTP/1.0: one answer, not chunked, and then the end.
Result<std::string> Get(const std::string& address) {
  BALLAST_TRY(const Fd fd, Connect(address), "connect");
  const std::string request =
      fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n", kPath, address);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return Error::FromErrno(errno, address);
  std::string answer;
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::FromErrno(errno, address);
    if (got == 0) break;
    answer.append(chunk.data(), static_cast<std::size_t>(got));
    if (answer.size() > kLongestAnswer)
      return Error::Invalid(address + ": the answer does not end");
  }
  const auto body = answer.find("\r\n\r\n");
  const std::string line = answer.substr(0, answer.find("\r\n"));
  if (body == std::string::npos || line.find(" 200") == std::string::npos)
    return Error::Invalid(fmt::format("{}: answered '{}'", address, line.substr(0, 80)));
  return answer.substr(body + 4);
}

}  // namespace

Result<std::vector<model::Record>> RecordsFromEvents(std::string_view text) {
  json::error_code code;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), code);
  const json::value* events =
      code || !document.is_object() ? nullptr : document.get_object().if_contains("events");
  if (events == nullptr || !events->is_array())
    return Error::Invalid("the answer has no events; is it a collector's?");
  Who who;
  std::vector<model::Record> records;
  for (const json::value& one : events->get_array()) {
    if (!one.is_object()) continue;
    const json::object& given = one.get_object();
    auto event = EventOf(given, who);
    if (!event) continue;
    model::Record record;
    record.header.sequence = static_cast<std::uint64_t>(Whole(given, "sequence"));
    record.header.at = BootTime(Whole(given, "at_ns"));
    record.header.wall_offset = WallTime(Whole(given, "wall_ns")) - record.header.at;
    record.body = *std::move(event);
    records.push_back(std::move(record));
  }
  std::ranges::sort(records, {}, [](const model::Record& one) { return one.header.sequence; });
  model::Record key;
  if (!records.empty()) key.header.at = records.front().header.at;
  key.body = who.AsKey();
  records.insert(records.begin(), std::move(key));
  return records;
}

Result<std::vector<model::Record>> FetchDecisions(const std::string& address) {
  BALLAST_TRY(const std::string body, Get(address), "collector");
  return RecordsFromEvents(body);
}

}  // namespace ballast::cli

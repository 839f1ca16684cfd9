#include "collector/runtime/qmp_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace ballast::runtime {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kPatience{500};

const json::value* At(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::optional<std::int64_t> NumberAt(const json::value& value, std::string_view key) {
  const json::value* member = At(value, key);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  json::error_code error;
  const auto number = member->to_number<std::int64_t>(error);
  return error ? std::nullopt : std::optional(number);  // 2^64 - 1 stands for "not known"
}

std::string TextAt(const json::value& value, std::string_view key) {
  const json::value* member = At(value, key);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : "";
}

std::string Quoted(const std::string& text) {
  return json::serialize(json::string(text));
}

}  // namespace

struct QmpControl::Reply {
  json::value result;
  std::string refusal;  // QEMU's own words; empty: it did it

  Result<> ToResult(const std::string& command) const {
    if (refusal.empty()) return Ok();
    return Error::Invalid(command + ": " + refusal);
  }
};

Result<QmpControl> QmpControl::Open(const std::string& socket_path) {
  BALLAST_TRY(auto qemu, UnixConversation::Open(socket_path, kPatience), "QMP");
  const pid_t pid = qemu.PeerPid();
  QmpControl control(std::move(qemu), pid);
  BALLAST_TRY(const std::string greeting, control.qemu_.ReadLine(), "QMP greeting");
  if (greeting.find("\"QMP\"") == std::string::npos)
    return Error::Invalid(socket_path + ": no QMP greeting");
  BALLAST_TRY(const Reply ready, control.Ask("qmp_capabilities"), "QMP");
  BALLAST_TRY_DO(ready.ToResult("qmp_capabilities"), "QMP");
  return control;
}

// Events that come in between are passed over.
Result<QmpControl::Reply> QmpControl::Ask(const std::string& command,
                                          const std::string& arguments) {
  const std::string rest = arguments.empty() ? "" : ",\"arguments\":{" + arguments + "}";
  BALLAST_TRY_DO(qemu_.Send("{\"execute\":\"" + command + "\"" + rest + "}\n"), command);
  for (;;) {
    BALLAST_TRY(const std::string line, qemu_.ReadLine(), command);
    json::error_code error;
    const json::value answer = json::parse(line, error);
    if (error || !answer.is_object()) return Error::Invalid(command + ": not JSON");
    if (const json::value* result = At(answer, "return")) return Reply{*result, ""};
    if (const json::value* refused = At(answer, "error"))
      return Reply{{}, TextAt(*refused, "desc") + " (" + TextAt(*refused, "class") + ")"};
  }
}

Result<std::int64_t> QmpControl::MemoryBytes() {
  BALLAST_TRY(const Reply reply, Ask("query-memory-size-summary"), "memory");
  BALLAST_TRY_DO(reply.ToResult("query-memory-size-summary"), "memory");
  return NumberAt(reply.result, "base-memory").value_or(0) +
         NumberAt(reply.result, "plugged-memory").value_or(0);
}

Result<std::optional<std::int64_t>> QmpControl::Balloon() {
  BALLAST_TRY(const Reply reply, Ask("query-balloon"), "balloon");
  if (!reply.refusal.empty()) return std::optional<std::int64_t>();
  return NumberAt(reply.result, "actual");
}

Result<> QmpControl::SetBalloon(std::int64_t bytes) {
  BALLAST_TRY(const Reply reply, Ask("balloon", fmt::format("\"value\":{}", bytes)), "balloon");
  return reply.ToResult("balloon");
}

Result<std::string> QmpControl::FindBalloon() {
  for (const char* folder : {"/machine/peripheral", "/machine/peripheral-anon"}) {
    BALLAST_TRY(const Reply reply, Ask("qom-list", fmt::format("\"path\":\"{}\"", folder)),
                "balloon");
    const json::array* devices = reply.result.if_array();
    if (devices == nullptr) continue;
    for (const json::value& device : *devices)
      if (TextAt(device, "type").starts_with("child<virtio-balloon"))
        return std::string(folder) + "/" + TextAt(device, "name");
  }
  return std::string();
}

Result<std::optional<std::int64_t>> QmpControl::GuestAvailable() {
  BALLAST_TRY(const std::string path, FindBalloon(), "guest-stats");
  if (path.empty()) return std::optional<std::int64_t>();
  BALLAST_TRY(const Reply stats,
              Ask("qom-get", fmt::format("\"path\":{},\"property\":\"guest-stats\"", Quoted(path))),
              "guest-stats");
  const json::value* values = At(stats.result, "stats");
  const auto update = NumberAt(stats.result, "last-update");
  if (update.value_or(0) == 0) {
    BALLAST_TRY(const Reply asked,
                Ask("qom-set", fmt::format("\"path\":{},\"property\":"
                                           "\"guest-stats-polling-interval\",\"value\":1",
                                           Quoted(path))),
                "guest-stats");
    return std::optional<std::int64_t>();
  }
  if (values == nullptr) return std::optional<std::int64_t>();
  // -1, where a driver does not tell: an old one knows what is free only.
  for (const char* key : {"stat-available-memory", "stat-free-memory"})
    if (const auto bytes = NumberAt(*values, key); bytes && *bytes >= 0) return bytes;
  return std::optional<std::int64_t>();
}

Result<std::vector<QmpDrive>> QmpControl::Drives() {
  BALLAST_TRY(const Reply reply, Ask("query-block"), "drives");
  BALLAST_TRY_DO(reply.ToResult("query-block"), "drives");
  std::vector<QmpDrive> drives;
  const json::array* blocks = reply.result.if_array();
  if (blocks == nullptr) return drives;
  for (const json::value& block : *blocks) {
    const json::value* inserted = At(block, "inserted");
    if (inserted == nullptr) continue;
    const std::string name = TextAt(block, "device");
    drives.push_back(
        {name.empty() ? TextAt(block, "qdev") : name, NumberAt(*inserted, "bps").value_or(0)});
  }
  return drives;
}

Result<> QmpControl::LimitDrive(const std::string& name, std::int64_t bytes_per_second) {
  // A path of the object tree is an id; a plain name is a device.
  const char* key = name.starts_with('/') ? "id" : "device";
  BALLAST_TRY(const Reply reply,
              Ask("block_set_io_throttle",
                  fmt::format("\"{}\":{},\"bps\":{},\"bps_rd\":0,\"bps_wr\":0,\"iops\":0,"
                              "\"iops_rd\":0,\"iops_wr\":0",
                              key, Quoted(name), bytes_per_second)),
              "block_set_io_throttle");
  return reply.ToResult("block_set_io_throttle");
}

Result<QmpCpus> QmpControl::Cpus() {
  BALLAST_TRY(const Reply reply, Ask("query-hotpluggable-cpus"), "cpus");
  BALLAST_TRY_DO(reply.ToResult("query-hotpluggable-cpus"), "cpus");
  QmpCpus cpus;
  const json::array* slots = reply.result.if_array();
  for (std::size_t i = 0; slots != nullptr && i < slots->size(); ++i) {
    const auto count = static_cast<int>(NumberAt((*slots)[i], "vcpus-count").value_or(1));
    cpus.possible += count;
    if (At((*slots)[i], "qom-path") != nullptr) cpus.plugged += count;
  }
  return cpus;
}

Result<> QmpControl::SetCpus(int wanted) {
  BALLAST_TRY(const Reply reply, Ask("query-hotpluggable-cpus"), "cpus");
  BALLAST_TRY_DO(reply.ToResult("query-hotpluggable-cpus"), "cpus");
  const json::array* slots = reply.result.if_array();
  if (slots == nullptr) return Error::Invalid("query-hotpluggable-cpus: no list");
  // QEMU lists the highest slot first: plugged from below, unplugged from above.
  int plugged = static_cast<int>(std::ranges::count_if(
      *slots, [](const json::value& slot) { return At(slot, "qom-path") != nullptr; }));
  for (auto slot = slots->rbegin(); slot != slots->rend() && plugged < wanted; ++slot) {
    if (At(*slot, "qom-path") != nullptr) continue;
    const json::value* place = At(*slot, "props");
    std::string arguments = fmt::format("\"driver\":{},\"id\":\"ballast-cpu-{}\"",
                                        Quoted(TextAt(*slot, "type")), plugged);
    if (place != nullptr && place->is_object())
      for (const auto& member : place->as_object())
        arguments += fmt::format(",{}:{}", Quoted(std::string(member.key())),
                                 json::serialize(member.value()));
    BALLAST_TRY(const Reply added, Ask("device_add", arguments), "device_add");
    BALLAST_TRY_DO(added.ToResult("device_add"), "vCPU");
    ++plugged;
  }
  for (const json::value& slot : *slots) {
    if (plugged <= wanted) break;
    const std::string path = TextAt(slot, "qom-path");
    // What was there from the start has no id and stays.
    if (path.find("/ballast-cpu-") == std::string::npos) continue;
    BALLAST_TRY(const Reply removed, Ask("device_del", "\"id\":" + Quoted(path)), "device_del");
    BALLAST_TRY_DO(removed.ToResult("device_del"), "vCPU");
    --plugged;
  }
  return Ok();
}

}  // namespace ballast::runtime

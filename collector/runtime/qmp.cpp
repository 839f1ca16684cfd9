#include "collector/runtime/qmp.h"

#include <boost/json.hpp>

#include "collector/runtime/unix_request.h"

namespace ballast::runtime {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kPatience{500};

// The "return" of one command; events that come in between are passed over.
// null: QEMU answered with an error (no balloon device, ...).
Result<json::value> Command(UnixConversation& qemu, const char* command) {
  BALLAST_TRY_DO(qemu.Send(std::string("{\"execute\":\"") + command + "\"}\n"), command);
  for (;;) {
    BALLAST_TRY(const std::string line, qemu.ReadLine(), command);
    json::error_code error;
    json::value answer = json::parse(line, error);
    const json::object* object = error ? nullptr : answer.if_object();
    if (object == nullptr) return Error::Invalid(std::string(command) + ": not JSON");
    if (const json::value* result = object->if_contains("return")) return *result;
    if (object->contains("error")) return json::value(nullptr);
  }
}

std::optional<std::uint64_t> NumberAt(const json::value& value, const char* key) {
  const json::object* object = value.if_object();
  const json::value* member = object == nullptr ? nullptr : object->if_contains(key);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  json::error_code error;
  const auto number = member->to_number<std::uint64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

}  // namespace

Result<QmpAnswer> AskQmp(const std::string& socket_path) {
  BALLAST_TRY(auto qemu, UnixConversation::Open(socket_path, kPatience), "QMP");
  BALLAST_TRY(const std::string greeting, qemu.ReadLine(), "QMP greeting");
  if (greeting.find("\"QMP\"") == std::string::npos)
    return Error::Invalid(socket_path + ": no QMP greeting");
  BALLAST_TRY(const json::value ready, Command(qemu, "qmp_capabilities"), "QMP");
  static_cast<void>(ready);
  QmpAnswer answer;
  BALLAST_TRY(const json::value name, Command(qemu, "query-name"), "QMP");
  if (const json::object* object = name.if_object())
    if (const json::value* text = object->if_contains("name"); text != nullptr && text->is_string())
      answer.name = std::string(text->as_string());
  BALLAST_TRY(const json::value balloon, Command(qemu, "query-balloon"), "QMP");
  answer.balloon_bytes = NumberAt(balloon, "actual");
  BALLAST_TRY(const json::value cpus, Command(qemu, "query-cpus-fast"), "QMP");
  if (const json::array* array = cpus.if_array())
    for (const json::value& cpu : *array) {
      const auto index = NumberAt(cpu, "cpu-index");
      const auto thread = NumberAt(cpu, "thread-id");
      if (index && thread)
        answer.vcpus[static_cast<std::uint32_t>(*index)] = static_cast<int>(*thread);
    }
  return answer;
}

}  // namespace ballast::runtime

#include "collector/runtime/systemd.h"

#include <systemd/sd-bus.h>

#include <cerrno>

namespace ballast::runtime {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t kPatienceUs = 100'000;

struct FreeMessage {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, FreeMessage>;

// Of one call; frees what sd-bus put into it.
class CallError {
 public:
  CallError() = default;
  CallError(const CallError&) = delete;
  CallError& operator=(const CallError&) = delete;
  ~CallError() { sd_bus_error_free(&error_); }
  sd_bus_error* get() { return &error_; }
  Error As(int negative_errno, const std::string& what) const {
    if (error_.message != nullptr) return Error::Invalid(what + ": " + error_.message);
    return Error::FromErrno(-negative_errno, what);
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

const char* InterfaceOf(const std::string& unit) {
  if (unit.ends_with(".scope")) return "org.freedesktop.systemd1.Scope";
  if (unit.ends_with(".slice")) return "org.freedesktop.systemd1.Slice";
  return "org.freedesktop.systemd1.Service";
}

}  // namespace

void Systemd::Close::operator()(sd_bus* bus) const {
  sd_bus_flush_close_unref(bus);
}

Result<Systemd> Systemd::Open(const std::string& address) {
  sd_bus* raw = nullptr;
  if (address.empty()) {
    if (const int failed = sd_bus_open_system(&raw); failed < 0)
      return Error::FromErrno(-failed, "system bus");
  } else {
    int failed = sd_bus_new(&raw);
    if (failed >= 0) failed = sd_bus_set_address(raw, address.c_str());
    if (failed >= 0) failed = sd_bus_set_bus_client(raw, 1);
    if (failed >= 0) failed = sd_bus_start(raw);
    if (failed < 0) {
      sd_bus_unref(raw);
      return Error::FromErrno(-failed, address);
    }
  }
  Systemd systemd(raw);
  sd_bus_set_method_call_timeout(raw, kPatienceUs);
  return systemd;
}

Result<std::string> Systemd::ControlGroup(const std::string& unit) {
  CallError error;
  sd_bus_message* raw = nullptr;
  int failed = sd_bus_call_method(bus_.get(), kService, kManagerPath, kManager, "GetUnit",
                                  error.get(), &raw, "s", unit.c_str());
  const Message reply(raw);
  if (failed < 0) return error.As(failed, unit);
  const char* path = nullptr;
  if (failed = sd_bus_message_read(raw, "o", &path); failed < 0)
    return Error::FromErrno(-failed, unit);
  char* group = nullptr;
  failed = sd_bus_get_property_string(bus_.get(), kService, path, InterfaceOf(unit), "ControlGroup",
                                      error.get(), &group);
  if (failed < 0) return error.As(failed, unit);
  const std::unique_ptr<char, decltype(&::free)> owned(group, &::free);
  return std::string(group);
}

Result<> Systemd::SetProperties(const std::string& unit,
                                const std::vector<UnitProperty>& properties) {
  sd_bus_message* raw = nullptr;
  int failed = sd_bus_message_new_method_call(bus_.get(), &raw, kService, kManagerPath, kManager,
                                              "SetUnitProperties");
  const Message call(raw);
  constexpr int kRuntime = 1;
  if (failed >= 0) failed = sd_bus_message_append(raw, "sb", unit.c_str(), kRuntime);
  if (failed >= 0) failed = sd_bus_message_open_container(raw, 'a', "(sv)");
  for (const UnitProperty& property : properties)
    if (failed >= 0)
      failed = sd_bus_message_append(raw, "(sv)", property.name.c_str(), "t", property.value);
  if (failed >= 0) failed = sd_bus_message_close_container(raw);
  if (failed < 0) return Error::FromErrno(-failed, unit);
  CallError error;
  failed = sd_bus_call(bus_.get(), raw, kPatienceUs, error.get(), nullptr);
  if (failed < 0) return error.As(failed, unit);
  return Ok();
}

}  // namespace ballast::runtime

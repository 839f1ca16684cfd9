#pragma once

// org.freedesktop.systemd1 as a test plays it: a real dbus-daemon of its own,
// on it a service that knows some units and remembers what it was told.
//
//   FakeSystemd systemd({{"web.service", "/system.slice/web.service"}});
//   client(systemd.address());
//   systemd.Told("web.service", "MemoryHigh");

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace ballast::test {

class FakeSystemd {
 public:
  explicit FakeSystemd(std::map<std::string, std::string> units) : units_(std::move(units)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "ballast-bus.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    daemon_ = ::fork();
    if (daemon_ == 0) {
      const std::string where = "--address=" + address();
      ::execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile", where.c_str(),
               nullptr);
      ::_exit(127);
    }
    // The socket's file is there a moment before anybody listens.
    for (int i = 0; i < 1000 && (bus_ = Connect()) == nullptr; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (bus_ == nullptr) {
      EndDaemon();
      throw std::runtime_error("no bus at " + address());
    }
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeSystemd() {
    StopServing();
    EndDaemon();
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  std::string address() const { return "unix:path=" + folder_ + "/bus"; }
  // The last value; empty: never told.
  std::optional<std::uint64_t> Told(const std::string& unit, const std::string& property) const {
    const std::scoped_lock lock(mutex_);
    const auto found = told_.find(unit + " " + property);
    return found == told_.end() ? std::nullopt : std::optional(found->second);
  }
  bool all_runtime() const { return all_runtime_; }
  // The service answers no more; the bus stays.
  void StopServing() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void EndDaemon() {
    ::kill(daemon_, SIGKILL);
    ::waitpid(daemon_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  // nullptr: not yet.
  sd_bus* Connect() const {
    sd_bus* bus = nullptr;
    sd_bus_new(&bus);
    sd_bus_set_address(bus, address().c_str());
    sd_bus_set_bus_client(bus, 1);
    int failed = sd_bus_start(bus);
    if (failed >= 0) failed = sd_bus_request_name(bus, "org.freedesktop.systemd1", 0);
    return failed < 0 ? sd_bus_unref(bus) : bus;
  }
  void Serve() {
    sd_bus_add_filter(bus_, nullptr, &FakeSystemd::OnMessage, this);
    while (!stop_) {
      while (sd_bus_process(bus_, nullptr) > 0) {
      }
      sd_bus_wait(bus_, 10'000);
    }
    sd_bus_flush_close_unref(bus_);
  }
  static int OnMessage(sd_bus_message* message, void* self, sd_bus_error*) {
    return static_cast<FakeSystemd*>(self)->Answer(message);
  }
  int Answer(sd_bus_message* message) {
    if (sd_bus_message_is_method_call(message, nullptr, "GetUnit")) {
      const char* unit = nullptr;
      sd_bus_message_read(message, "s", &unit);
      if (!units_.contains(unit))
        return sd_bus_reply_method_errorf(message, "org.freedesktop.systemd1.NoSuchUnit",
                                          "Unit %s not loaded.", unit);
      asked_ = unit;
      return sd_bus_reply_method_return(message, "o", "/org/freedesktop/systemd1/unit/one");
    }
    if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", "Get"))
      return sd_bus_reply_method_return(message, "v", "s", units_[asked_].c_str());
    if (sd_bus_message_is_method_call(message, nullptr, "SetUnitProperties")) return Take(message);
    return 0;
  }
  int Take(sd_bus_message* message) {
    const char* unit = nullptr;
    int runtime = 0;
    sd_bus_message_read(message, "sb", &unit, &runtime);
    if (runtime == 0) all_runtime_ = false;
    sd_bus_message_enter_container(message, 'a', "(sv)");
    const char* name = nullptr;
    std::uint64_t value = 0;
    while (sd_bus_message_read(message, "(sv)", &name, "t", &value) > 0) {
      const std::scoped_lock lock(mutex_);
      told_[std::string(unit) + " " + name] = value;
    }
    return sd_bus_reply_method_return(message, "");
  }

  std::map<std::string, std::string> units_;  // name -> control group
  std::string folder_;
  pid_t daemon_ = -1;
  sd_bus* bus_ = nullptr;
  std::string asked_;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> told_;
  std::atomic<bool> all_runtime_ = true;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace ballast::test

// The program `ballast-autoscaler`: reads records, decides, writes limits.
//
//   the watcher (this process)  holds the lock, waits for heartbeats, lets limits go
//     └─ the autoscaler (child) everything else

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "autoscaler/actuate/lease.h"
#include "autoscaler/actuate/release.h"
#include "autoscaler/actuate/state_folder.h"
#include "autoscaler/control/node_service.h"
#include "autoscaler/control/settings.h"
#include "collector/base/file.h"
#include "collector/base/log.h"
#include "collector/base/priority.h"

namespace ballast {
namespace {

constexpr int kOk = 0;
constexpr int kBadInput = 2;
constexpr int kInternalError = 3;
constexpr const char* kConfigFile = "/etc/ballast/autoscaler.toml";

int Complain(const std::string& what) {
  std::fprintf(stderr, "ballast-autoscaler: %s\n", what.c_str());
  return kBadInput;
}

// It must answer the burst that starves everybody else. All best effort: a
// confined process works, only later. Called in the child too: fork(2) does not
// inherit memory locks.
void ProtectSelf() {
  // Without CAP_IPC_LOCK a lock could make a later allocation fail.
  if (::geteuid() != 0) return;
  static_cast<void>(RunSoon(-15).has_value());
  ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  const auto ignored = WriteControlFile("/proc/self/oom_score_adj", "-900");
  static_cast<void>(ignored.has_value());
}

void LetGo(const std::string& journal_path, std::string_view why) {
  const auto released = actuate::ReleaseFile(journal_path, actuate::kBurstPatience);
  if (!released) {
    BALLAST_LOG(kError, "limits could not be put back; run: ballast release",
                {"why", released.error().ToString()});
    return;
  }
  BALLAST_LOG(kError, "limits were put back", {"why", why}, {"what", actuate::Summary(*released)});
  for (const std::string& failure : released->failures)
    BALLAST_LOG(kError, "limit not put back; run: ballast release", {"why", failure});
}

// What `wanted` asks for that only a new start can give; empty: nothing.
std::string NeedsRestart(const control::Settings& in_force, const control::Settings& wanted) {
  if (wanted.collector_socket != in_force.collector_socket) return "collector_socket";
  if (wanted.state_dir != in_force.state_dir) return "state_dir";
  if (wanted.listen != in_force.listen) return "http.listen";
  if (wanted.qmp_sockets != in_force.qmp_sockets) return "vms.qmp_sockets";
  if (wanted.libvirt != in_force.libvirt) return "vms.libvirt";
  if (wanted.tell_systemd != in_force.tell_systemd) return "systemd.tell";
  if (wanted.runtime_sockets != in_force.runtime_sockets) return "runtime.sockets";
  if (wanted.lease_ms != in_force.lease_ms) return "lease.timeout_ms";
  return "";
}

int Work(const control::NodeServiceOptions& options, actuate::Heartbeat& beat) {
  ProtectSelf();
  const auto done = control::RunNodeService(options, [&beat] { beat.Beat(); });
  if (done) return kOk;
  BALLAST_LOG(kError, "the autoscaler ended", {"why", done.error().ToString()});
  return kInternalError;
}

Result<control::NodeServiceOptions> ToOptions(const control::Settings& settings,
                                              const actuate::StateFolder& folder) {
  control::NodeServiceOptions options;
  BALLAST_TRY(options.node, control::ToNodeOptions(settings), "configuration");
  options.collector_socket = settings.collector_socket;
  options.listen = settings.listen;
  BALLAST_TRY(const std::string mounts, ReadSmallFile("/proc/self/mountinfo"), "cgroup mounts");
  options.actuator = {.roots = actuate::RootsFromMountinfo(mounts),
                      .prefixes = control::WritablePrefixes(options.node),
                      .left_alone = control::LeftAlone(options.node),
                      .journal_path = folder.journal_path(),
                      .shared_pool = control::WritablePool(options.node),
                      .tell_systemd = settings.tell_systemd,
                      .runtime_sockets = settings.runtime_sockets,
                      .cpu_burst = options.node.cpu_burst};
  options.vms.qmp_sockets = settings.qmp_sockets;
  options.vms.libvirt = settings.libvirt;
  options.vms.unified_root = options.actuator.roots.unified;
  options.state_folder = settings.state_dir;
  return options;
}

Result<config::OptionTable::Loaded> Load(int argc, const char* const* argv,
                                         control::Settings& settings) {
  config::OptionTable table("ballast-autoscaler",
                            "Gives every workload of this host the CPU and memory it needs.");
  control::Describe(table, settings);
  auto loaded = table.Load(argc, argv, kConfigFile, BALLAST_VERSION);
  if (!loaded) return loaded;
  const auto checked = control::ToNodeOptions(settings);
  if (!checked) return checked.error();
  if (loaded->start == config::OptionTable::Start::kRun &&
      !control::WritablePrefixes(*checked).empty() && ::geteuid() != 0)
    return Error::Invalid("mode auto writes cgroup files: run it as root, or use --mode recommend");
  return loaded;
}

// A file that is being written is often empty, and then cut, for a moment. Both may be valid TOML,
// and to take what is missing for its default would give every limit back.
Result<> CheckWhole(const std::string& config_file) {
  if (config_file.empty()) return Ok();
  BALLAST_TRY(const std::string text, ReadSmallFile(config_file), "config file");
  if (!text.empty() && text.back() == '\n') return Ok();
  return Error::Invalid(config_file + (text.empty() ? " is empty" : " does not end in a newline") +
                        ": it may be half-written");
}

// The same command line and the file as it is now.
Result<control::NodeOptions> Reload(int argc, const char* const* argv,
                                    const control::Settings& in_force,
                                    const std::string& config_file) {
  control::Settings wanted;
  BALLAST_TRY_DO(CheckWhole(config_file), "reload");
  if (auto loaded = Load(argc, argv, wanted); !loaded) return loaded.error();
  if (const std::string key = NeedsRestart(in_force, wanted); !key.empty())
    return Error::Invalid(key + " changed: that needs a restart");
  SetLogLevel(wanted.log_level);
  return control::ToNodeOptions(wanted);
}

int Main(int argc, const char* const* argv) {
  control::Settings settings;
  const auto loaded = Load(argc, argv, settings);
  if (!loaded) return Complain(loaded.error().ToString());
  if (loaded->start == config::OptionTable::Start::kAnswer) {
    std::fputs(loaded->text.c_str(), stdout);
    return kOk;
  }
  SetLogLevel(settings.log_level);
  const auto folder = actuate::StateFolder::Lock(settings.state_dir);
  if (!folder) return Complain(folder.error().ToString());
  auto options = ToOptions(settings, *folder);
  if (!options) return Complain(options.error().ToString());
  options->reload = [=, file = loaded->config_file] { return Reload(argc, argv, settings, file); };
  // What an earlier run could not put back itself.
  if (::access(folder->journal_path().c_str(), F_OK) == 0)
    LetGo(folder->journal_path(), "an earlier run left them");
  ProtectSelf();
  const int status = actuate::RunUnderLease(
      {.timeout = std::chrono::milliseconds(settings.lease_ms)},
      [&](actuate::Heartbeat& beat) { return Work(*options, beat); },
      [&](std::string_view why) { LetGo(folder->journal_path(), why); });
  // What a burst held when the autoscaler ended.
  if (status == kOk && ::access(folder->journal_path().c_str(), F_OK) == 0)
    LetGo(folder->journal_path(), "a burst was over its original limit");
  return status;
}

}  // namespace
}  // namespace ballast

int main(int argc, char** argv) {
  return ballast::Main(argc, argv);
}

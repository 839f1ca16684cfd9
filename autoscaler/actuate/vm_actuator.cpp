#include "autoscaler/actuate/vm_actuator.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>

#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/limit_text.h"
#include "collector/base/file.h"
#include "collector/base/log.h"

namespace ballast::actuate {
namespace {

using runtime::QmpControl;

constexpr std::string_view kScheme = "qmp:";
// The guest keeps so much above what it says it needs: its driver tells once a second.
constexpr double kGuestMargin = 0.10;

std::vector<std::string> Matches(std::string_view named) {
  std::string pattern;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string_view place = named.substr(i, 2);
    const bool stands_for_any = place == "%n" || place == "%p";
    pattern += stands_for_any ? '*' : named[i];
    i += stands_for_any ? 1 : 0;
  }
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

Actuation Begin(const std::string& socket, const char* what) {
  Actuation done;
  done.file = fmt::format("{}{} {}", kScheme, socket, what);
  return done;
}

Actuation Failed(Actuation done, const Error& error) {
  const bool gone = error.code() == std::errc::no_such_file_or_directory ||
                    error.code() == std::errc::connection_refused;
  done.outcome = gone ? Outcome::kGone : Outcome::kRefused;
  done.error = error.ToString();
  return done;
}

// The same VM as the one that was adopted; another one may have its socket by now.
Result<QmpControl> OpenSame(const std::string& socket, pid_t pid) {
  BALLAST_TRY(QmpControl qemu, QmpControl::Open(socket), "QMP");
  if (qemu.pid() != pid) return Error::FromErrno(ENOENT, socket + ": another VM listens there");
  return qemu;
}

std::optional<std::int64_t> NumberOf(const std::vector<Original>& originals, const char* file) {
  for (const Original& original : originals)
    if (original.file == file) return ParseNumber(original.value);
  return std::nullopt;
}

}  // namespace

bool VmActuator::LivesIn(pid_t pid, const std::string& path) const {
  const auto text = ReadSmallFile(fmt::format("{}/{}/cgroup", options_.proc, pid));
  if (!text) return false;
  std::string_view rest = *text;
  while (!rest.empty()) {  // "4:memory:/machine/guest"
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t second = line.find(':', line.find(':') + 1);
    if (second != std::string_view::npos && IsBelow(line.substr(second + 1), path)) return true;
  }
  return false;
}

std::vector<VmActuator::Vm> VmActuator::FindVms() const {
  std::vector<Vm> vms;
  for (const std::string& pattern : options_.qmp_sockets)
    for (const std::string& socket : Matches(pattern))
      if (const auto peer = runtime::UnixConversation::Open(socket, std::chrono::milliseconds(100)))
        vms.push_back({.socket = socket, .pid = peer->PeerPid(), .drives_seen = {}});
  return vms;
}

// What an earlier run journaled is older than what stands there now.
Result<> VmActuator::Remember(Vm& vm) {
  BALLAST_TRY(QmpControl qemu, OpenSame(vm.socket, vm.pid), "adopt");
  BALLAST_TRY(vm.most_bytes, qemu.MemoryBytes(), "adopt");
  BALLAST_TRY(const auto balloon, qemu.Balloon(), "adopt");
  BALLAST_TRY(const auto drives, qemu.Drives(), "adopt");
  BALLAST_TRY(const auto cpus, qemu.Cpus(), "adopt");
  if (balloon) {
    vm.balloon_seen = vm.balloon_wanted = *balloon;
    // Switches the reports of the guest's driver on; what they say is asked for later.
    static_cast<void>(qemu.GuestAvailable().has_value());
  }
  for (const auto& drive : drives) vm.drives_seen[drive.name] = drive.bytes_per_second;
  const std::string directory = std::string(kScheme) + vm.socket;
  if (files_->FindInJournal(static_cast<std::uint64_t>(vm.pid), directory)) return Ok();
  JournalGroup group{static_cast<std::uint64_t>(vm.pid), directory, {}};
  if (balloon) group.originals.push_back({"balloon", std::to_string(*balloon)});
  group.originals.push_back({"cpus", std::to_string(cpus.plugged)});
  for (const auto& drive : drives)
    group.originals.push_back({"drive", fmt::format("{} {}", drive.bytes_per_second, drive.name)});
  return files_->AddToJournal(group);
}

std::vector<Adoption> VmActuator::Adopt(const std::vector<Group>& groups) {
  std::vector<Adoption> adoptions = files_->Adopt(groups);
  if (options_.qmp_sockets.empty()) return adoptions;
  const std::vector<Vm> running = FindVms();
  for (Adoption& adoption : adoptions) {
    const Group& group = adoption.group;
    if (adoption.error || vms_.contains(group.key)) continue;
    const auto found =
        std::ranges::find_if(running, [&](const Vm& vm) { return LivesIn(vm.pid, group.path); });
    if (found == running.end()) continue;
    Vm vm = *found;
    if (auto remembered = Remember(vm); !remembered)
      adoption.error = std::move(remembered).error();
    else
      vms_.emplace(group.key, std::move(vm));
  }
  return adoptions;
}

void VmActuator::Forget(const model::WorkloadKey& key) {
  vms_.erase(key);
  files_->Forget(key);
}

std::string VmActuator::OwnerOf(const Group& group) const {
  return vms_.contains(group.key) ? "qmp" : files_->OwnerOf(group);
}

Actuation VmActuator::Set(const Group& group, Resource resource, std::int64_t amount) {
  const auto found = vms_.find(group.key);
  if (found == vms_.end()) return files_->Set(group, resource, amount);
  Vm& vm = found->second;
  Actuation nothing;
  nothing.outcome = Outcome::kUnchanged;
  switch (resource) {
    case Resource::kMemory:
      return SetBalloon(vm, amount);
    case Resource::kIoBandwidth:
      return LimitDrives(vm, amount);
    case Resource::kMemoryWait:
    case Resource::kMemoryGuarantee:
      return nothing;  // what the guest has it has
    case Resource::kMemoryPool:
    case Resource::kCpuWeight:
      return files_->Set(group, resource, amount);
    case Resource::kCpu: {
      Actuation done = files_->Set(group, resource, amount);
      if (IsDone(done)) PlugFor(vm, amount);
      return done;
    }
  }
  return nothing;
}

Actuation VmActuator::SetBalloon(Vm& vm, std::int64_t bytes) {
  Actuation done = Begin(vm.socket, "balloon");
  auto qemu = OpenSame(vm.socket, vm.pid);
  if (!qemu) return Failed(std::move(done), qemu.error());
  const auto actual = qemu->Balloon();
  if (!actual) return Failed(std::move(done), actual.error());
  if (!*actual) return Failed(std::move(done), Error::Invalid("the VM has no balloon"));
  done.before = std::to_string(**actual);
  done.in_force = **actual;
  const auto [low, high] = std::minmax(vm.balloon_seen, vm.balloon_wanted);
  if (**actual < low || **actual > high) {
    done.outcome = Outcome::kForeign;
    done.error = fmt::format("somebody else changed it from {} to {}", vm.balloon_seen, **actual);
    vm.balloon_seen = vm.balloon_wanted = **actual;
    if (auto group = files_->FindInJournal(static_cast<std::uint64_t>(vm.pid),
                                           std::string(kScheme) + vm.socket)) {
      for (Original& original : group->originals)
        if (original.file == "balloon") original.value = done.before;
      static_cast<void>(files_->AddToJournal(*group).has_value());
    }
    return done;
  }
  const std::int64_t target = std::min(WholePages(bytes), vm.most_bytes);
  if (target < **actual) {
    const auto available = qemu->GuestAvailable();
    if (!available) return Failed(std::move(done), available.error());
    if (!*available)
      return Failed(std::move(done), Error::Invalid("the guest does not tell what it needs"));
    const std::int64_t used = **actual - **available;
    if (static_cast<double>(target) < static_cast<double>(used) * (1 + kGuestMargin))
      return Failed(std::move(done), Error::Invalid(fmt::format(
                                         "the guest needs {} bytes, above {}", used, target)));
  }
  vm.balloon_seen = **actual;
  if (target == vm.balloon_wanted && target == **actual) {
    done.outcome = Outcome::kUnchanged;
    return done;
  }
  if (const auto set = qemu->SetBalloon(target); !set) return Failed(std::move(done), set.error());
  vm.balloon_wanted = target;
  done.written_at = clock_->Now();
  const auto after = qemu->Balloon();
  if (!after || !*after) return Failed(std::move(done), Error::Invalid("it was not read back"));
  // The guest gives and takes over the next moments; what it has now is what is in force.
  vm.balloon_seen = **after;
  done.after = std::to_string(**after);
  done.in_force = target;
  done.outcome = Outcome::kApplied;
  return done;
}

Actuation VmActuator::LimitDrives(Vm& vm, std::int64_t bytes_per_second) {
  Actuation done = Begin(vm.socket, "block_set_io_throttle");
  auto qemu = OpenSame(vm.socket, vm.pid);
  if (!qemu) return Failed(std::move(done), qemu.error());
  const auto drives = qemu->Drives();
  if (!drives) return Failed(std::move(done), drives.error());
  done.outcome = Outcome::kUnchanged;
  done.in_force = bytes_per_second;
  for (const auto& drive : *drives) {
    std::int64_t& seen =
        vm.drives_seen.try_emplace(drive.name, drive.bytes_per_second).first->second;
    if (drive.bytes_per_second != seen) {
      done.outcome = Outcome::kForeign;
      done.error = fmt::format("{}: somebody else changed it from {} to {}", drive.name, seen,
                               drive.bytes_per_second);
      done.in_force = seen = drive.bytes_per_second;
      return done;
    }
    if (seen == bytes_per_second) continue;
    done.before = std::to_string(seen);
    if (const auto set = qemu->LimitDrive(drive.name, bytes_per_second); !set)
      return Failed(std::move(done), set.error());
    done.written_at = clock_->Now();
    seen = bytes_per_second;
    done.outcome = Outcome::kApplied;
  }
  if (done.outcome != Outcome::kApplied) return done;
  const auto after = qemu->Drives();
  if (!after) return Failed(std::move(done), after.error());
  for (const auto& drive : *after)
    if (drive.bytes_per_second != bytes_per_second) {
      done.outcome = Outcome::kFailed;
      done.error = fmt::format("{}: wrote {} and read back {}", drive.name, bytes_per_second,
                               drive.bytes_per_second);
    }
  done.after = std::to_string(bytes_per_second);
  return done;
}

// A quota above what its vCPUs can use gives it nothing. Only ever more: a guest may ignore an
// unplug, and its work is placed on what it has.
void VmActuator::PlugFor(Vm& vm, std::int64_t millicores) {
  auto qemu = OpenSame(vm.socket, vm.pid);
  const auto cpus = qemu ? qemu->Cpus() : Result<runtime::QmpCpus>(qemu.error());
  if (!cpus) return;
  const int wanted = std::min<int>(static_cast<int>((millicores + 999) / 1000), cpus->possible);
  if (wanted <= cpus->plugged) return;
  const auto set = qemu->SetCpus(wanted);
  BALLAST_LOG(kInfo, "vCPUs plugged in", {"vm", vm.socket}, {"from", cpus->plugged}, {"to", wanted},
              {"error", set ? "" : set.error().ToString()});
}

bool IsVm(const JournalGroup& group) {
  return group.directory.starts_with(kScheme);
}

void ReleaseVm(JournalGroup& group, Released& released) {
  const std::string socket = group.directory.substr(kScheme.size());
  auto qemu = OpenSame(socket, static_cast<pid_t>(group.inode));
  if (!qemu) {
    const auto& code = qemu.error().code();
    const bool gone =
        code == std::errc::no_such_file_or_directory || code == std::errc::connection_refused;
    if (gone) {
      ++released.gone;
      group.originals.clear();
    } else {
      released.failures.push_back(qemu.error().ToString());
    }
    return;
  }
  const auto put_back = [&](const Original& original, const Result<>& done) {
    if (done)
      ++released.restored;
    else
      released.failures.push_back(group.directory + ": " + done.error().ToString());
    return !done ? std::optional(original) : std::nullopt;
  };
  std::vector<Original> left;
  for (const Original& original : group.originals) {
    std::optional<Original> again;
    if (original.file == "balloon") {
      again = put_back(original, qemu->SetBalloon(NumberOf({original}, "balloon").value_or(0)));
    } else if (original.file == "cpus") {
      // What the guest holds on to stays plugged in, idle under the old quota.
      static_cast<void>(
          qemu->SetCpus(static_cast<int>(NumberOf({original}, "cpus").value_or(1))).has_value());
    } else if (const std::size_t space = original.value.find(' '); space != std::string::npos) {
      const auto bps = ParseNumber(original.value.substr(0, space));
      again =
          put_back(original, qemu->LimitDrive(original.value.substr(space + 1), bps.value_or(0)));
    }
    if (again) left.push_back(std::move(*again));
  }
  group.originals = std::move(left);
}

}  // namespace ballast::actuate

#include "autoscaler/actuate/release.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/container_owner.h"
#include "autoscaler/actuate/control_dir.h"
#include "autoscaler/actuate/limit_text.h"
#include "autoscaler/actuate/unit_owner.h"
#include "autoscaler/actuate/vm_actuator.h"
#include "collector/base/log.h"

namespace ballast::actuate {
namespace {

// Lowering memory.max below use makes the kernel kill; every other file
// reclaims, waits or refuses, so only this one is checked here.
std::optional<std::string> WhyNot(const ControlDir& dir, const Original& original) {
  if (original.file != "memory.max") return std::nullopt;
  const auto limit = ParseMemoryLimit(original.value);
  const auto current = dir.Read("memory.current");
  const auto used = current ? ParseNumber(*current) : std::nullopt;
  if (!limit || !*limit || !used || *used <= **limit) return std::nullopt;
  return fmt::format("{}/{}: {} bytes are in use, above the original {}; left as it is", dir.path(),
                     original.file, *used, original.value);
}

// systemd first: it would write its own again. Where it does not answer the file is what counts.
void TellOwner(const JournalGroup& group, const ControlDir& dir, const Original& original) {
  if (group.unit.empty()) return;
  UnitOwner owner(group.bus);
  if (const auto told = owner.Tell(group.unit, dir, original.file, original.value); !told)
    BALLAST_LOG(kWarn, "systemd was not told that a limit is put back", {"unit", group.unit},
                {"why", told.error().ToString()});
}

std::optional<std::string> PutBack(const JournalGroup& group, const ControlDir& dir,
                                   const Original& original, Released& released) {
  const auto now = dir.Read(original.file.c_str());
  if (!now) return now.error().ToString();
  if (Writable(original.file, *now) == original.value) {
    ++released.unchanged;
    return std::nullopt;
  }
  if (auto why = WhyNot(dir, original)) return why;
  TellOwner(group, dir, original);
  const auto written = dir.Write(original.file.c_str(), original.value);
  if (!written) return written.error().ToString();
  ++released.restored;
  return std::nullopt;
}

// Files bound each other (v1: memsw may not stand below memory), in an order
// that depends on the direction; so what fails is tried again after the rest.
std::vector<Original> PutBackAll(const JournalGroup& group, const ControlDir& dir,
                                 Released& released) {
  std::vector<Original> todo = group.originals;
  std::vector<std::string> reasons;
  for (std::size_t before = todo.size() + 1; !todo.empty() && todo.size() < before;) {
    before = todo.size();
    reasons.clear();
    std::vector<Original> again;
    for (const Original& original : todo) {
      if (auto why = PutBack(group, dir, original, released)) {
        again.push_back(original);
        reasons.push_back(std::move(*why));
      }
    }
    todo = std::move(again);
  }
  for (std::string& reason : reasons) released.failures.push_back(std::move(reason));
  return todo;
}

bool WaitsByUs(const JournalGroup& group, const ControlDir& dir) {
  const auto is_ours = [](const Original& original) {
    return original.file == "memory.oom_control" && original.value == "0";
  };
  const auto text = dir.Has("memory.oom_control") ? dir.Read("memory.oom_control") : std::string();
  return std::ranges::any_of(group.originals, is_ours) && text &&
         Writable("memory.oom_control", *text) == "1";
}

// A v1 group that is made inside one that waits begins with waiting, and nobody
// would raise its limit any more. Those in the journal have originals of their own.
void EndInheritedWaits(const std::string& directory, const std::set<std::string>& journaled) {
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; at != end && !error;
       at.increment(error)) {
    if (!at->is_directory(error) || journaled.contains(at->path().string())) continue;
    const auto dir = ControlDir::Open(at->path().string());
    const auto text = dir ? dir->Read("memory.oom_control") : Result<std::string>(dir.error());
    if (text && Writable("memory.oom_control", *text) == "1")
      static_cast<void>(dir->Write("memory.oom_control", "0").has_value());
  }
}

// After the files: what they say now is what the runtime has to know. One that hangs costs its
// patience once, not for each container.
void TellRuntime(const JournalGroup& group, const ControlDir& dir,
                 std::set<std::string>& hanging_sockets) {
  if (group.container.empty() || hanging_sockets.contains(group.runtime_socket)) return;
  runtime::ContainerLimits limits;
  AddLimits(dir, limits);
  if (limits == runtime::ContainerLimits{}) return;
  const auto told = runtime::UpdateContainer(group.runtime_socket, group.container, limits);
  if (!told && told.error().code() == std::errc::timed_out)
    hanging_sockets.insert(group.runtime_socket);
  if (!told)
    BALLAST_LOG(kWarn, "the runtime was not told that limits are put back",
                {"container", group.container}, {"why", told.error().ToString()});
}

// `hanging`: sockets and VMs that did not answer; they are not asked again.
Released ReleaseOnce(Journal& journal, std::set<std::string>& hanging) {
  Released released;
  std::set<std::string> journaled;
  for (const JournalGroup& group : journal.groups) journaled.insert(group.directory);
  std::vector<JournalGroup> kept;
  for (JournalGroup& group : journal.groups) {
    if (IsVm(group)) continue;
    const auto dir = ControlDir::Open(group.directory);
    if (!dir || dir->inode() != group.inode) {
      ++released.gone;
      continue;
    }
    const bool waited = WaitsByUs(group, *dir);
    group.originals = PutBackAll(group, *dir, released);
    if (group.originals.empty()) TellRuntime(group, *dir, hanging);
    if (waited) EndInheritedWaits(group.directory, journaled);
    if (!group.originals.empty()) kept.push_back(std::move(group));
  }
  // After the files, which nobody delays.
  for (JournalGroup& group : journal.groups) {
    if (!IsVm(group)) continue;
    if (hanging.contains(group.directory))
      released.failures.push_back(group.directory + ": does not answer");
    else if (!ReleaseVm(group, released))
      hanging.insert(group.directory);
    if (!group.originals.empty()) kept.push_back(std::move(group));
  }
  journal.groups = std::move(kept);
  return released;
}

}  // namespace

Released Release(Journal& journal, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{100};
  const auto end = std::chrono::steady_clock::now() + patience;
  std::set<std::string> hanging;
  Released released = ReleaseOnce(journal, hanging);
  while (!released.failures.empty() && std::chrono::steady_clock::now() + kPause < end) {
    std::this_thread::sleep_for(kPause);
    Released again = ReleaseOnce(journal, hanging);
    released.restored += again.restored;
    released.unchanged += again.unchanged;
    released.gone += again.gone;
    released.failures = std::move(again.failures);
  }
  return released;
}

Result<Released> ReleaseFile(const std::string& journal_path, std::chrono::milliseconds patience) {
  BALLAST_TRY(Journal journal, LoadJournal(journal_path), "release");
  Released released;
  if (journal.boot_id != ReadBootId()) {
    released.gone = static_cast<int>(journal.groups.size());
    journal.groups.clear();
  } else {
    released = Release(journal, patience);
  }
  BALLAST_TRY_DO(SaveJournal(journal_path, journal), "release");
  return released;
}

std::string Summary(const Released& released) {
  return fmt::format("{} files put back, {} unchanged, {} groups gone, {} left", released.restored,
                     released.unchanged, released.gone, released.failures.size());
}

}  // namespace ballast::actuate

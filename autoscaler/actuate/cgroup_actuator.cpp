#include "autoscaler/actuate/cgroup_actuator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/container_owner.h"
#include "autoscaler/actuate/limit_text.h"
#include "collector/base/file.h"
#include "collector/base/log.h"

namespace ballast::actuate {
namespace {

// Files whose originals are journaled. What a kernel does not have is left out:
// memsw without swap accounting, burst before 5.14 (v1) and 5.19 (v2).
constexpr std::array kWrittenV1Cpu = {kQuota, kShares, kBurstV1};
constexpr std::array kWrittenV2Cpu = {kCpuMax, kWeight, kBurstV2};
constexpr std::array kWrittenV1Memory = {kLimitV1, kSwapLimitV1, kOomControl};
constexpr std::array kWrittenV2Memory = {kHigh, kMemoryMax, kLow};
constexpr std::array kWrittenFreezer = {kFreezeV2, kFreezerV1};

// A burst of an agent lasts one to two seconds; its limits change meanwhile.
constexpr std::chrono::seconds kRestBeforeTelling{2};
constexpr std::chrono::seconds kRetryTelling{30};

std::string ParentOf(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

}  // namespace

Result<CgroupActuator> CgroupActuator::Make(CgroupActuatorOptions options, const Clock& clock) {
  BALLAST_TRY(Journal journal, LoadJournal(options.journal_path), "actuator");
  const std::string boot_id = ReadBootId();
  if (journal.boot_id != boot_id) journal = Journal{boot_id, {}};
  return CgroupActuator(std::move(options), clock, std::move(journal));
}

bool CgroupActuator::IsAllowed(std::string_view path) const {
  const auto longest = [&](const std::vector<std::string>& prefixes) {
    std::size_t length = 0;
    for (const std::string& prefix : prefixes)
      if (IsBelow(path, prefix)) length = std::max(length, prefix.size());
    return length;
  };
  return longest(options_.prefixes) > longest(options_.left_alone);
}

Result<CgroupActuator::Adopted> CgroupActuator::Open(const Group& group) {
  if (!IsAllowed(group.path)) return Error::Invalid(group.path + ": is below no configured prefix");

  Adopted adopted;
  adopted.key = group.key;
  adopted.path = group.path;
  adopted.is_pool = group.path == options_.shared_pool;
  bool is_the_one = group.key.cgroup_id == 0;
  const auto open = [&](const std::string& root) -> std::optional<ControlDir> {
    if (root.empty()) return std::nullopt;
    auto dir = ControlDir::Open(root + group.path);
    if (!dir) return std::nullopt;
    is_the_one = is_the_one || dir->inode() == group.key.cgroup_id;
    return std::move(*dir);
  };
  for (auto& [root, file, v2] : {std::tuple{&options_.roots.unified, kCpuMax, true},
                                 std::tuple{&options_.roots.cpu, kQuota, false}}) {
    auto dir = open(*root);
    if (adopted.cpu || !dir || !dir->Has(file)) continue;
    adopted.cpu = std::move(dir);
    adopted.cpu_v2 = v2;
  }
  for (auto& [root, file, v2] : {std::tuple{&options_.roots.unified, kHigh, true},
                                 std::tuple{&options_.roots.memory, kLimitV1, false}}) {
    auto dir = open(*root);
    if (adopted.memory || !dir || !dir->Has(file)) continue;
    adopted.memory = std::move(dir);
    adopted.memory_v2 = v2;
  }
  if (!adopted.cpu && !adopted.memory)
    return Error::Invalid(group.path + ": has no cpu and no memory controller, or is gone");
  if (!is_the_one) return Error::Invalid(group.path + ": is another cgroup than the one recorded");
  if (!options_.runtime_sockets.empty()) adopted.container = ContainerIdOf(group.path);
  if (!adopted.container.empty()) adopted.runtime_socket = options_.runtime_sockets.front();
  if (options_.tell_systemd) adopted.unit = systemd_.UnitOf(group.path);
  OpenFreezer(adopted);
  if (adopted.is_pool) BALLAST_TRY_DO(CheckPool(adopted), group.path);
  return adopted;
}

// On hybrid hosts the processes may be in either hierarchy, or in both.
void CgroupActuator::OpenFreezer(Adopted& adopted) const {
  for (const auto& [root, v2] :
       {std::pair{&options_.roots.unified, true}, std::pair{&options_.roots.freezer, false}}) {
    auto dir =
        root->empty() ? Error::Invalid("not mounted") : ControlDir::Open(*root + adopted.path);
    if (adopted.freezer || !dir || !dir->Has(v2 ? kFreezeV2 : kFreezerV1)) continue;
    if (const auto events = v2 ? dir->Read(kEventsV2) : Result<std::string>("populated 1");
        !events || events->find("populated 1") == std::string::npos)
      continue;
    adopted.freezer = std::move(*dir);
    adopted.freezer_v2 = v2;
  }
  // Who froze itself would thaw nobody any more.
  const auto own = ReadSmallFile("/proc/self/cgroup");
  if (own && LivesIn(*own, adopted.path)) adopted.freezer.reset();
}

Result<> CgroupActuator::CheckPool(Adopted& pool) {
  pool.cpu.reset();  // what its children share is memory
  pool.freezer.reset();
  if (!pool.memory) return Error::Invalid("has no memory controller");
  // Always 1 since 5.11; before it was the administrator's choice.
  if (!pool.memory_v2 && pool.memory->Has(kUseHierarchy)) {
    const auto text = pool.memory->Read(kUseHierarchy);
    if (text && *text == "0")
      return Error::Invalid(
          "memory.use_hierarchy is 0: what its children use is not counted in it");
  }
  return Ok();
}

// A new v1 group begins with its parent's oom_kill_disable. Below a pool that we
// made wait, that is ours and not the value to go back to.
std::string CgroupActuator::OriginalOf(const ControlDir& dir, const std::string& file,
                                       const std::string& value) const {
  if (file != kOomControl) return value;
  const std::string parent = ParentOf(dir.path());
  for (const JournalGroup& group : journal_.groups)
    if (group.directory == parent)
      for (const Original& original : group.originals)
        if (original.file == file) return original.value;
  return value;
}

Result<> CgroupActuator::Remember(Adopted& adopted) {
  const auto remember = [&](const ControlDir& dir, auto files) -> Result<> {
    JournalGroup group{dir.inode(),
                       dir.path(),
                       {},
                       adopted.unit,
                       adopted.unit.empty() ? "" : options_.bus,
                       adopted.container,
                       adopted.runtime_socket};
    for (const char* file : files) {
      if (!dir.Has(file)) continue;
      BALLAST_TRY(const std::string text, dir.Read(file), "adopt");
      adopted.last_seen[file] = Writable(file, text);
      group.originals.push_back({file, OriginalOf(dir, file, Writable(file, text))});
    }
    const auto known = std::ranges::find_if(journal_.groups, [&](const JournalGroup& one) {
      return one.inode == group.inode && one.directory == group.directory;
    });
    if (known == journal_.groups.end()) {
      adopted.TakeOriginals(group.originals);
      journal_.groups.push_back(std::move(group));
      return Ok();
    }
    // On cgroup2 both controllers' files lie in one directory. What an earlier
    // run left in the journal is older than what stands here now.
    for (Original& original : group.originals)
      if (std::ranges::find(known->originals, original.file, &Original::file) ==
          known->originals.end())
        known->originals.push_back(std::move(original));
    adopted.TakeOriginals(known->originals);
    return Ok();
  };
  if (adopted.cpu)
    BALLAST_TRY_DO(adopted.cpu_v2 ? remember(*adopted.cpu, kWrittenV2Cpu)
                                  : remember(*adopted.cpu, kWrittenV1Cpu),
                   "cpu");
  if (adopted.memory)
    BALLAST_TRY_DO(adopted.memory_v2 ? remember(*adopted.memory, kWrittenV2Memory)
                                     : remember(*adopted.memory, kWrittenV1Memory),
                   "memory");
  if (adopted.freezer) {
    BALLAST_TRY_DO(remember(*adopted.freezer, kWrittenFreezer), "freezer");
    const JournalGroup journaled =
        FindInJournal(adopted.freezer->inode(), adopted.freezer->path()).value_or(JournalGroup{});
    for (const Original& original : journaled.originals)
      if (std::ranges::find(kWrittenFreezer, original.file) != kWrittenFreezer.end())
        adopted.unfrozen = original.value;
  }
  return Ok();
}

std::vector<Adoption> CgroupActuator::Adopt(const std::vector<Group>& groups) {
  std::vector<Adoption> adoptions;
  std::vector<std::pair<std::size_t, Adopted>> fresh;
  for (const Group& group : groups) {
    adoptions.push_back({group, std::nullopt});
    if (const auto known = adopted_.find(group.key); known != adopted_.end()) {
      adoptions.back().original_memory = known->second.original_memory;
      continue;
    }
    auto adopted = Open(group);
    if (adopted)
      if (auto remembered = Remember(*adopted); !remembered)
        adopted = std::move(remembered).error();
    if (!adopted)
      adoptions.back().error = std::move(adopted).error();
    else {
      adoptions.back().original_memory = adopted->original_memory;
      fresh.emplace_back(adoptions.size() - 1, std::move(*adopted));
    }
  }
  if (fresh.empty()) return adoptions;
  const auto saved = SaveJournal(options_.journal_path, journal_);
  for (auto& [at, adopted] : fresh) {
    // Without a journal nothing is written: nobody could put it back.
    if (!saved)
      adoptions[at].error = saved.error();
    else
      adopted_.emplace(adoptions[at].group.key, std::move(adopted));
  }
  return adoptions;
}

Journal CgroupActuator::TakeFromJournal(const Adopted& adopted) {
  const auto is_of = [](const JournalGroup& group, const std::optional<ControlDir>& dir) {
    return dir && group.inode == dir->inode() && group.directory == dir->path();
  };
  Journal taken{journal_.boot_id, {}};
  std::erase_if(journal_.groups, [&](const JournalGroup& group) {
    if (!is_of(group, adopted.cpu) && !is_of(group, adopted.memory) &&
        !is_of(group, adopted.freezer))
      return false;
    taken.groups.push_back(group);
    return true;
  });
  return taken;
}

Result<> CgroupActuator::AddToJournal(const JournalGroup& group) {
  const auto known = std::ranges::find_if(journal_.groups, [&](const JournalGroup& one) {
    return one.inode == group.inode && one.directory == group.directory;
  });
  if (known == journal_.groups.end())
    journal_.groups.push_back(group);
  else
    *known = group;
  return SaveJournal(options_.journal_path, journal_);
}

std::optional<JournalGroup> CgroupActuator::FindInJournal(std::uint64_t inode,
                                                          const std::string& directory) const {
  for (const JournalGroup& group : journal_.groups)
    if (group.inode == inode && group.directory == directory) return group;
  return std::nullopt;
}

std::optional<JournalGroup> CgroupActuator::TakeFromJournal(std::uint64_t inode,
                                                            const std::string& directory) {
  auto found = FindInJournal(inode, directory);
  std::erase_if(journal_.groups, [&](const JournalGroup& group) {
    return group.inode == inode && group.directory == directory;
  });
  return found;
}

void CgroupActuator::Forget(const model::WorkloadKey& key) {
  const auto found = adopted_.find(key);
  if (found == adopted_.end()) return;
  // In memory only; the next adoption saves it. A dead group in the file is harmless.
  TakeFromJournal(found->second);
  adopted_.erase(found);
}

std::string CgroupActuator::OwnerOf(const Group& group) const {
  const auto found = adopted_.find(group.key);
  if (found == adopted_.end()) return "cgroup";
  if (!found->second.container.empty()) return "container runtime";
  return found->second.unit.empty() ? "cgroup" : "systemd";
}

std::vector<std::string> CgroupActuator::Rest(BootTime now) {
  std::vector<std::string> news;
  if (const auto told = runtimes_.Take(now)) news = SettleTold(*told, now);
  if (!runtimes_.IsFree(now)) return news;
  for (auto& [key, adopted] : adopted_)
    if (!adopted.container.empty() && !adopted.runtime_knows &&
        now - adopted.written_at >= kRestBeforeTelling) {
      TellRuntime(adopted);
      return news;
    }
  return news;
}

void CgroupActuator::TellRuntime(Adopted& adopted) {
  runtime::ContainerLimits limits;
  for (const auto* dir : {&adopted.cpu, &adopted.memory})
    if (*dir) AddLimits(**dir, limits);
  adopted.told = adopted.last_seen;
  adopted.runtime_knows = true;  // unless something is written meanwhile
  runtimes_.Begin(adopted.key, adopted.runtime_socket, adopted.container, limits);
}

std::vector<std::string> CgroupActuator::SettleTold(const RuntimeTeller::Told& told, BootTime now) {
  std::vector<std::string> news;
  if (told.answered == runtimes_silent_)
    news.push_back(told.answered
                       ? "the container runtime answers again"
                       : "no container runtime answers, so it is not told of limits; the files "
                         "hold: " +
                             told.error->ToString());
  runtimes_silent_ = !told.answered;
  const auto found = adopted_.find(told.key);
  if (found == adopted_.end()) return news;
  Adopted& adopted = found->second;
  if (told.answered) adopted.runtime_socket = told.socket;
  if (told.error) {
    adopted.runtime_knows = false;
    adopted.written_at = now + kRetryTelling;
    if (told.answered)
      BALLAST_LOG(kWarn, "the runtime was not told of a container's limits",
                  {"container", adopted.container}, {"why", told.error->ToString()});
    return news;
  }
  for (const auto* dir : {&adopted.cpu, &adopted.memory, &adopted.freezer})
    for (const auto& [file, seen] : adopted.last_seen) {
      if (!*dir || !(*dir)->Has(file.c_str())) continue;
      const auto text = (*dir)->Read(file.c_str());
      if (text && Writable(file, *text) != seen)
        static_cast<void>((*dir)->Write(file.c_str(), seen).has_value());
    }
  return news;
}

bool CgroupActuator::IsRuntimes(const Adopted& adopted, const char* file,
                                const std::string& value) const {
  if (runtimes_.IsTelling(adopted.key)) return true;
  const auto told = adopted.told.find(file);
  return told != adopted.told.end() && told->second == value;
}

Actuation CgroupActuator::Set(const Group& group, Resource resource, std::int64_t amount) {
  const auto found = adopted_.find(group.key);
  if (found == adopted_.end()) return Refused(nullptr, "", group.path + ": was not adopted");
  Adopted& adopted = found->second;
  const bool is_cpu = resource == Resource::kCpu || resource == Resource::kCpuWeight;
  const auto& needed = resource == Resource::kFreeze ? adopted.freezer
                       : is_cpu                      ? adopted.cpu
                                                     : adopted.memory;
  if (!needed)
    return Refused(nullptr, "", group.path + ": has no " + ToString(resource) + " controller");
  switch (resource) {
    case Resource::kCpu:
      return SetCpu(adopted, amount);
    case Resource::kCpuWeight:
      return SetWeight(adopted, amount);
    case Resource::kMemory:
      return SetMemory(adopted, amount);
    case Resource::kMemoryWait:
      return SetMemoryWait(adopted, amount != 0);
    case Resource::kMemoryPool:
      return SetMemoryPool(adopted, amount);
    case Resource::kMemoryGuarantee:
      return SetMemoryGuarantee(adopted, amount);
    case Resource::kFreeze:
      return SetFreeze(adopted, amount != 0);
    case Resource::kIoBandwidth:
      // TODO(actuate): io.max, once records carry a demand for it.
      return Refused(nullptr, "", group.path + ": I/O limits are set for VMs alone");
  }
  return {};
}

Actuation CgroupActuator::SetFreeze(Adopted& adopted, bool freeze) {
  const char* frozen = adopted.freezer_v2 ? "1" : "FROZEN";
  Actuation done =
      WriteChecked(adopted, *adopted.freezer, adopted.freezer_v2 ? kFreezeV2 : kFreezerV1,
                   freeze ? frozen : adopted.unfrozen);
  if (done.outcome == Outcome::kForeign) adopted.unfrozen = Holds(done);
  done.in_force = Holds(done) == frozen ? 1 : 0;
  return done;
}

void CgroupActuator::TakeOver(Adopted& adopted, const ControlDir& dir, const char* file,
                              const std::string& value) {
  adopted.last_seen[file] = value;
  for (JournalGroup& group : journal_.groups) {
    if (group.inode != dir.inode() || group.directory != dir.path()) continue;
    for (Original& original : group.originals)
      if (original.file == file) original.value = value;
    adopted.TakeOriginals(group.originals);
  }
  if (const auto saved = SaveJournal(options_.journal_path, journal_); !saved)
    BALLAST_LOG(kWarn, "journal not saved; release would put back an older value",
                {"why", saved.error().ToString()});
}

Actuation CgroupActuator::WriteChecked(Adopted& adopted, const ControlDir& dir, const char* file,
                                       const std::string& value) {
  Actuation done;
  done.file = dir.path() + "/" + file;
  const auto before = dir.Read(file);
  if (!before) return FailedBy(dir, file, before.error());
  done.before = Writable(file, *before);
  if (const auto seen = adopted.last_seen.find(file); seen != adopted.last_seen.end() &&
                                                      seen->second != done.before &&
                                                      !IsRuntimes(adopted, file, done.before)) {
    done.outcome = Outcome::kForeign;
    done.error =
        fmt::format("somebody else changed it from '{}' to '{}'", seen->second, done.before);
    TakeOver(adopted, dir, file, done.before);
    return done;
  }
  if (done.before == value) {
    done.outcome = Outcome::kUnchanged;
    return done;
  }
  // systemd first: it has written by its next call, so nothing older comes after our own value.
  if (!adopted.unit.empty())
    if (const auto told = systemd_.Tell(adopted.unit, dir, file, value); !told)
      BALLAST_LOG(kWarn, "systemd was not told of a limit", {"unit", adopted.unit},
                  {"why", told.error().ToString()});
  if (const auto written = dir.Write(file, value); !written) {
    const Actuation failed = FailedBy(dir, file, written.error());
    done.outcome = failed.outcome;
    done.error = failed.error;
    return done;
  }
  done.written_at = adopted.written_at = clock_->Now();
  adopted.runtime_knows = false;
  const auto after = dir.Read(file);
  if (!after) return FailedBy(dir, file, after.error());
  done.after = Writable(file, *after);
  adopted.last_seen[file] = done.after;
  done.outcome = done.after == value ? Outcome::kApplied : Outcome::kFailed;
  if (done.outcome == Outcome::kFailed)
    done.error = fmt::format("wrote '{}' and read back '{}'", value, done.after);
  return done;
}

Result<Released> CgroupActuator::Narrow(std::vector<std::string> prefixes, std::string shared_pool,
                                        std::vector<std::string> left_alone) {
  options_.prefixes = std::move(prefixes);
  options_.left_alone = std::move(left_alone);
  options_.shared_pool = std::move(shared_pool);
  Journal outside{journal_.boot_id, {}};
  for (auto at = adopted_.begin(); at != adopted_.end();) {
    const bool pool_as_before = at->second.is_pool == (at->second.path == options_.shared_pool);
    if (IsAllowed(at->second.path) && pool_as_before) {
      ++at;
      continue;
    }
    for (JournalGroup& group : TakeFromJournal(at->second).groups)
      outside.groups.push_back(std::move(group));
    at = adopted_.erase(at);
  }
  Released released = Release(outside, kShortPatience);
  for (JournalGroup& group : outside.groups) journal_.groups.push_back(std::move(group));
  BALLAST_TRY_DO(SaveJournal(options_.journal_path, journal_), "release");
  return released;
}

Result<Released> CgroupActuator::ReleaseAll() {
  const Released released = Release(journal_, kShortPatience);
  adopted_.clear();
  BALLAST_TRY_DO(SaveJournal(options_.journal_path, journal_), "release");
  return released;
}

}  // namespace ballast::actuate

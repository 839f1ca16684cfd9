#include "autoscaler/actuate/cgroup_actuator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "autoscaler/actuate/limit_text.h"
#include "collector/base/log.h"

namespace ballast::actuate {
namespace {

constexpr const char* kQuota = "cpu.cfs_quota_us";
constexpr const char* kPeriod = "cpu.cfs_period_us";
constexpr const char* kShares = "cpu.shares";
constexpr const char* kMax = "cpu.max";
constexpr const char* kWeight = "cpu.weight";
constexpr const char* kLimitV1 = "memory.limit_in_bytes";
constexpr const char* kSwapLimitV1 = "memory.memsw.limit_in_bytes";
constexpr const char* kUsageV1 = "memory.usage_in_bytes";
constexpr const char* kOomControl = "memory.oom_control";
constexpr const char* kHigh = "memory.high";
constexpr const char* kMemoryMax = "memory.max";
constexpr const char* kUsageV2 = "memory.current";

// Files whose originals are journaled. memsw is absent without swap accounting.
constexpr std::array kWrittenV1Cpu = {kQuota, kShares};
constexpr std::array kWrittenV2Cpu = {kMax, kWeight};
constexpr std::array kWrittenV1Memory = {kLimitV1, kSwapLimitV1, kOomControl};
constexpr std::array kWrittenV2Memory = {kHigh, kMemoryMax};

// memory.max stays so far above memory.high: the kernel slows a group between
// the two, and 64 MiB are 20 ms of the fastest burst seen (3 GB/s).
std::int64_t RoomAboveHigh(std::int64_t high) {
  return std::max<std::int64_t>(high / 4, std::int64_t{64} << 20);
}

// "oom_kill_disable 0\nunder_oom 0\n..." is written as "0".
std::string Writable(std::string_view file, const std::string& text) {
  if (file != kOomControl) return text;
  return text.find("oom_kill_disable 1") != std::string::npos || text == "1" ? "1" : "0";
}

Actuation Refused(const ControlDir* dir, const char* file, std::string why) {
  Actuation result;
  result.outcome = Outcome::kRefused;
  if (dir != nullptr) result.file = dir->path() + "/" + file;
  result.error = std::move(why);
  return result;
}

Actuation FailedBy(const ControlDir& dir, const char* file, const Error& error) {
  Actuation result = Refused(&dir, file, error.ToString());
  if (IsGone(error)) result.outcome = Outcome::kGone;
  return result;
}

Result<std::int64_t> ReadNumber(const ControlDir& dir, const char* file) {
  BALLAST_TRY(const std::string text, dir.Read(file), "read");
  const auto number = ParseNumber(text);
  if (!number)
    return Error::Invalid(fmt::format("{}/{}: '{}' is no number", dir.path(), file, text));
  return *number;
}

bool Finite(const std::optional<std::optional<std::int64_t>>& limit) {
  return limit && *limit;
}

std::optional<std::int64_t> QuotaInForce(const std::string& text, std::int64_t period) {
  const auto quota = ParseNumber(text);
  if (!quota || *quota < 0) return std::nullopt;
  return Millicores(*quota, period);
}

// What the group holds after an actuation of `file`: what was read last.
const std::string& Holds(const Actuation& done) {
  return done.after.empty() ? done.before : done.after;
}

}  // namespace

Result<CgroupActuator> CgroupActuator::Make(CgroupActuatorOptions options, const Clock& clock) {
  BALLAST_TRY(Journal journal, LoadJournal(options.journal_path), "actuator");
  const std::string boot_id = ReadBootId();
  if (journal.boot_id != boot_id) journal = Journal{boot_id, {}};
  return CgroupActuator(std::move(options), clock, std::move(journal));
}

bool CgroupActuator::IsAllowed(std::string_view path) const {
  return std::ranges::any_of(options_.prefixes,
                             [&](const std::string& prefix) { return IsBelow(path, prefix); });
}

Result<CgroupActuator::Adopted> CgroupActuator::Open(const Group& group) const {
  if (!IsAllowed(group.path)) return Error::Invalid(group.path + ": is below no configured prefix");

  Adopted adopted;
  adopted.path = group.path;
  bool is_the_one = false;
  const auto open = [&](const std::string& root) -> std::optional<ControlDir> {
    if (root.empty()) return std::nullopt;
    auto dir = ControlDir::Open(root + group.path);
    if (!dir) return std::nullopt;
    is_the_one = is_the_one || dir->inode() == group.key.cgroup_id;
    return std::move(*dir);
  };
  for (auto& [root, file, v2] : {std::tuple{&options_.roots.unified, kMax, true},
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
  return adopted;
}

Result<> CgroupActuator::Remember(Adopted& adopted) {
  const auto remember = [&](const ControlDir& dir, auto files) -> Result<> {
    JournalGroup group{dir.inode(), dir.path(), {}};
    for (const char* file : files) {
      if (!dir.Has(file)) continue;
      BALLAST_TRY(const std::string text, dir.Read(file), "adopt");
      adopted.last_seen[file] = Writable(file, text);
      group.originals.push_back({file, Writable(file, text)});
    }
    const auto known = std::ranges::find_if(journal_.groups, [&](const JournalGroup& one) {
      return one.inode == group.inode && one.directory == group.directory;
    });
    if (known == journal_.groups.end()) {
      journal_.groups.push_back(std::move(group));
      return Ok();
    }
    // On cgroup2 both controllers' files lie in one directory. What an earlier
    // run left in the journal is older than what stands here now.
    for (Original& original : group.originals)
      if (std::ranges::find(known->originals, original.file, &Original::file) ==
          known->originals.end())
        known->originals.push_back(std::move(original));
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
  return Ok();
}

std::vector<Adoption> CgroupActuator::Adopt(const std::vector<Group>& groups) {
  std::vector<Adoption> adoptions;
  std::vector<std::pair<std::size_t, Adopted>> fresh;
  for (const Group& group : groups) {
    adoptions.push_back({group, std::nullopt});
    if (adopted_.contains(group.key)) continue;
    auto adopted = Open(group);
    if (adopted)
      if (auto remembered = Remember(*adopted); !remembered)
        adopted = std::move(remembered).error();
    if (!adopted)
      adoptions.back().error = std::move(adopted).error();
    else
      fresh.emplace_back(adoptions.size() - 1, std::move(*adopted));
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
    if (!is_of(group, adopted.cpu) && !is_of(group, adopted.memory)) return false;
    taken.groups.push_back(group);
    return true;
  });
  return taken;
}

void CgroupActuator::Forget(const model::WorkloadKey& key) {
  const auto found = adopted_.find(key);
  if (found == adopted_.end()) return;
  // In memory only; the next adoption saves it. A dead group in the file is harmless.
  TakeFromJournal(found->second);
  adopted_.erase(found);
}

Actuation CgroupActuator::Set(const Group& group, Resource resource, std::int64_t amount) {
  const auto found = adopted_.find(group.key);
  if (found == adopted_.end()) return Refused(nullptr, "", group.path + ": was not adopted");
  Adopted& adopted = found->second;
  const bool is_cpu = resource == Resource::kCpu || resource == Resource::kCpuWeight;
  if (is_cpu ? !adopted.cpu : !adopted.memory)
    return Refused(nullptr, "", group.path + ": has no " + ToString(resource) + " controller");
  switch (resource) {
    case Resource::kCpu:
      return SetCpu(adopted, amount);
    case Resource::kCpuWeight:
      return SetWeight(adopted, amount);
    case Resource::kMemory:
      return adopted.memory_v2 ? SetMemoryV2(adopted, amount) : SetMemoryV1(adopted, amount);
    case Resource::kMemoryWait:
      return SetMemoryWait(adopted, amount != 0);
    case Resource::kMemoryPool:
      // TODO(actuate): memory.high of the parent on v2; until then the loop is told no and each
      // workload's own limit is all there is.
      return Refused(nullptr, "", group.path + ": pools are not written yet");
  }
  return {};
}

Actuation CgroupActuator::SetCpu(Adopted& adopted, std::int64_t millicores) {
  const ControlDir& dir = *adopted.cpu;
  if (!adopted.cpu_v2) {
    const auto period = ReadNumber(dir, kPeriod);
    if (!period) return FailedBy(dir, kPeriod, period.error());
    if (*period <= 0) return Refused(&dir, kPeriod, "the period is not above zero");
    Actuation done =
        WriteChecked(adopted, dir, kQuota, std::to_string(QuotaUs(millicores, *period)));
    done.in_force = QuotaInForce(Holds(done), *period);
    return done;
  }
  const auto text = dir.Read(kMax);
  if (!text) return FailedBy(dir, kMax, text.error());
  auto value = ParseCpuMax(*text);
  if (!value) return Refused(&dir, kMax, "'" + *text + "' is not understood");
  value->quota_us = QuotaUs(millicores, value->period_us);
  Actuation done = WriteChecked(adopted, dir, kMax, FormatCpuMax(*value));
  const auto holds = ParseCpuMax(Holds(done));
  if (holds && holds->quota_us) done.in_force = Millicores(*holds->quota_us, holds->period_us);
  return done;
}

Actuation CgroupActuator::SetWeight(Adopted& adopted, std::int64_t thousandths) {
  const std::int64_t value = adopted.cpu_v2 ? ToWeight(thousandths) : ToShares(thousandths);
  Actuation done = WriteChecked(adopted, *adopted.cpu, adopted.cpu_v2 ? kWeight : kShares,
                                std::to_string(value));
  done.in_force = thousandths;
  return done;
}

Actuation CgroupActuator::SetMemoryV1(Adopted& adopted, std::int64_t bytes) {
  const ControlDir& dir = *adopted.memory;
  const std::int64_t target = WholePages(bytes);
  const auto used = ReadNumber(dir, kUsageV1);
  if (!used) return FailedBy(dir, kUsageV1, used.error());
  if (target < *used)
    return Refused(&dir, kLimitV1, fmt::format("{} bytes are in use, above {}", *used, target));
  // memory + swap may not stand below memory: raise it first where it is set.
  if (dir.Has(kSwapLimitV1)) {
    const auto text = dir.Read(kSwapLimitV1);
    const auto limit = text ? ParseMemoryLimit(*text) : std::nullopt;
    if (Finite(limit) && **limit < target) {
      Actuation raised = WriteChecked(adopted, dir, kSwapLimitV1, std::to_string(target));
      if (raised.outcome != Outcome::kApplied) return raised;
    }
  }
  Actuation done = WriteChecked(adopted, dir, kLimitV1, std::to_string(target));
  done.in_force = ParseMemoryLimit(Holds(done)).value_or(std::nullopt);
  return done;
}

Actuation CgroupActuator::SetMemoryV2(Adopted& adopted, std::int64_t bytes) {
  const ControlDir& dir = *adopted.memory;
  const std::int64_t target = WholePages(bytes);
  const auto used = ReadNumber(dir, kUsageV2);
  if (!used) return FailedBy(dir, kUsageV2, used.error());
  if (target < *used)
    return Refused(&dir, kHigh, fmt::format("{} bytes are in use, above {}", *used, target));
  const auto text = dir.Read(kMemoryMax);
  if (!text) return FailedBy(dir, kMemoryMax, text.error());
  const auto hard = ParseMemoryLimit(*text);
  if (Finite(hard) && **hard < target + RoomAboveHigh(target)) {
    Actuation raised = WriteChecked(adopted, dir, kMemoryMax,
                                    std::to_string(WholePages(target + RoomAboveHigh(target))));
    if (raised.outcome != Outcome::kApplied) return raised;
  }
  Actuation done = WriteChecked(adopted, dir, kHigh, std::to_string(target));
  done.in_force = ParseMemoryLimit(Holds(done)).value_or(std::nullopt);
  return done;
}

Actuation CgroupActuator::SetMemoryWait(Adopted& adopted, bool wait) {
  Actuation done;
  if (adopted.memory_v2) {  // memory.high slows a group; there is nothing to switch
    done.outcome = Outcome::kUnchanged;
    return done;
  }
  done = WriteChecked(adopted, *adopted.memory, kOomControl, wait ? "1" : "0");
  done.in_force = Holds(done) == "1" ? 1 : 0;
  return done;
}

void CgroupActuator::TakeOver(Adopted& adopted, const ControlDir& dir, const char* file,
                              const std::string& value) {
  adopted.last_seen[file] = value;
  for (JournalGroup& group : journal_.groups) {
    if (group.inode != dir.inode() || group.directory != dir.path()) continue;
    for (Original& original : group.originals)
      if (original.file == file) original.value = value;
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
  if (const auto seen = adopted.last_seen.find(file);
      seen != adopted.last_seen.end() && seen->second != done.before) {
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
  if (const auto written = dir.Write(file, value); !written) {
    const Actuation failed = FailedBy(dir, file, written.error());
    done.outcome = failed.outcome;
    done.error = failed.error;
    return done;
  }
  done.written_at = clock_->Now();
  const auto after = dir.Read(file);
  if (!after) return FailedBy(dir, file, after.error());
  done.after = Writable(file, *after);
  adopted.last_seen[file] = done.after;
  done.outcome = done.after == value ? Outcome::kApplied : Outcome::kFailed;
  if (done.outcome == Outcome::kFailed)
    done.error = fmt::format("wrote '{}' and read back '{}'", value, done.after);
  return done;
}

Result<Released> CgroupActuator::Narrow(std::vector<std::string> prefixes) {
  options_.prefixes = std::move(prefixes);
  Journal outside{journal_.boot_id, {}};
  for (auto at = adopted_.begin(); at != adopted_.end();) {
    if (IsAllowed(at->second.path)) {
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

#include "autoscaler/actuate/vm.h"

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/actuate/limit_text.h"
#include "collector/base/log.h"

namespace ballast::actuate {
namespace {

// The guest keeps so much above what it says it needs: its driver tells once a second.
constexpr double kGuestMargin = 0.10;
constexpr std::int64_t kReportSeconds = 1;
// A balloon that has not moved for so long is not on its way.
constexpr std::chrono::seconds kStill{4};

// Names of what is journaled; see journal.h.
constexpr const char* kBalloon = "balloon";
constexpr const char* kVcpus = "cpus";
constexpr const char* kDrive = "drive";
constexpr const char* kVmQuota = "quota";
constexpr const char* kVmShares = "shares";
constexpr const char* kReports = "reports";

Actuation Failed(Actuation done, const Error& error) {
  done.outcome = IsVmGone(error) ? Outcome::kGone : Outcome::kRefused;
  done.error = error.ToString();
  return done;
}

Actuation Refuse(Actuation done, std::string why) {
  done.outcome = Outcome::kRefused;
  done.error = std::move(why);
  return done;
}

// "8388608 vda": the name may hold spaces.
Original DriveOriginal(const runtime::QmpDrive& drive) {
  return {kDrive, fmt::format("{} {}", drive.bytes_per_second, drive.name)};
}

std::string_view DriveName(const Original& original) {
  const std::string_view value = original.value;
  return value.substr(std::min(value.find(' '), value.size() - 1) + 1);
}

std::int64_t NumberIn(const Original& original, std::int64_t otherwise) {
  return ParseNumber(original.value.substr(0, original.value.find(' '))).value_or(otherwise);
}

// Sentence why not; empty: the guest can spare what is above `target`.
std::string WhyNotShrink(const VmMemory& memory, std::int64_t target) {
  if (!memory.used) return "the guest does not tell what it needs";
  if (static_cast<double>(target) >= static_cast<double>(*memory.used) * (1 + kGuestMargin))
    return "";
  return fmt::format("the guest needs {} bytes, above {}", *memory.used, target);
}

Result<> PutBack(VmPort& port, const Original& original) {
  const std::int64_t value = NumberIn(original, 0);
  if (original.file == kBalloon) {
    BALLAST_TRY(const VmMemory memory, port.Memory(), kBalloon);
    // Where the guest says what it needs, that is not taken from it; a later try may find less.
    if (memory.now && value < *memory.now && memory.used)
      if (std::string why = WhyNotShrink(memory, value); !why.empty())
        return Error::Invalid(std::move(why));
    return port.SetMemory(value);
  }
  if (original.file == kVcpus) {
    // What the guest holds on to stays plugged in, idle under the old quota.
    static_cast<void>(port.SetVcpus(static_cast<int>(std::max<std::int64_t>(1, value))));
    return Ok();
  }
  if (original.file == kDrive) return port.LimitDrive(std::string(DriveName(original)), value);
  if (original.file == kVmQuota) return port.SetQuota(value);
  if (original.file == kVmShares) return port.SetShares(value);
  if (original.file == kReports) {
    // Somebody else's period stays.
    const auto now = port.ReportPeriod();
    return now && *now == kReportSeconds ? port.SetReportPeriod(value) : Ok();
  }
  return Error::Invalid(original.file + ": is nothing of a VM");
}

}  // namespace

bool IsVmGone(const Error& error) {
  return error.code() == std::errc::no_such_file_or_directory ||
         error.code() == std::errc::connection_refused;
}

void ReplaceOriginal(std::vector<Original>& originals, const Original& original) {
  for (Original& one : originals)
    if (one.file == original.file && (one.file != kDrive || DriveName(one) == DriveName(original)))
      one.value = original.value;
}

int PutBackVm(VmPort& port, const std::string& name, std::vector<Original>& originals,
              std::vector<std::string>& failures) {
  int restored = 0;
  // First what slows the VM, and so its answers.
  std::ranges::stable_partition(originals,
                                [](const Original& original) { return original.file == kVmQuota; });
  std::erase_if(originals, [&](const Original& original) {
    const auto done = PutBack(port, original);
    if (done)
      ++restored;
    else
      failures.push_back(fmt::format("{} {}: {}", name, original.file, done.error().ToString()));
    return done.has_value();
  });
  return restored;
}

std::vector<Original> TakeVcpus(std::vector<Original>& originals) {
  const auto rest = std::ranges::stable_partition(
      originals, [](const Original& original) { return original.file != kVcpus; });
  std::vector<Original> vcpus(rest.begin(), rest.end());
  originals.erase(rest.begin(), rest.end());
  return vcpus;
}

Result<std::vector<Original>> Vm::Remember() {
  BALLAST_TRY(const std::unique_ptr<VmPort> port, open_(address_), "adopt");
  BALLAST_TRY(const VmMemory memory, port->Memory(), "adopt");
  BALLAST_TRY(const auto cpu, port->Cpu(), "adopt");
  BALLAST_TRY(const auto vcpus, port->Vcpus(), "adopt");
  BALLAST_TRY(const auto drives, port->Drives(), "adopt");
  BALLAST_TRY(const auto reports, port->ReportPeriod(), "adopt");
  std::vector<Original> originals;
  const auto add = [&](const char* file, std::int64_t value) {
    originals.push_back({file, std::to_string(value)});
  };
  if (memory.now) add(kBalloon, balloon_seen_ = balloon_wanted_ = *memory.now);
  vcpus_seen_ = vcpus;
  add(kVcpus, vcpus.plugged);
  if (cpu) add(kVmQuota, quota_seen_ = cpu->quota_us);
  if (cpu && cpu->shares) add(kVmShares, shares_seen_ = *cpu->shares);
  if (reports && *reports == 0) add(kReports, 0);
  for (const auto& drive : drives) {
    drives_seen_[drive.name] = drive.bytes_per_second;
    originals.push_back(DriveOriginal(drive));
  }
  return originals;
}

Actuation Vm::Begin(const char* what) const {
  Actuation done;
  done.file = address_.text + " " + what;
  return done;
}

void Vm::Yield(Actuation& done, const std::string& what, std::int64_t seen, std::int64_t now,
               Original original) {
  done.outcome = Outcome::kForeign;
  done.error = fmt::format("{}somebody else changed it from {} to {}", what, seen, now);
  foreign_.push_back(std::move(original));
}

bool Vm::IsForeign(Actuation& done, const VmMemory& memory) {
  const std::int64_t now = memory.now.value_or(balloon_seen_);
  done.before = std::to_string(now);
  done.in_force = now;
  // The guest gives and takes over some moments: anything on the way is ours.
  const auto [low, high] = std::minmax(balloon_seen_, balloon_wanted_);
  const bool moves = now != balloon_seen_ || clock_->Now() - balloon_moved_at_ < kStill;
  if (now == balloon_wanted_ || (now >= low && now <= high && moves)) {
    if (now != balloon_seen_) balloon_moved_at_ = clock_->Now();
    balloon_seen_ = now;
    return false;
  }
  Yield(done, "", balloon_wanted_, now, {kBalloon, done.before});
  balloon_seen_ = balloon_wanted_ = now;
  return true;
}

bool Vm::IsForeign(Actuation& done, const VmCpu& cpu) {
  done.before = std::to_string(cpu.quota_us);
  if (cpu.quota_us >= 0) done.in_force = Millicores(cpu.quota_us, cpu.period_us);
  if (cpu.quota_us == quota_seen_) return false;
  Yield(done, "", quota_seen_, cpu.quota_us, {kVmQuota, done.before});
  quota_seen_ = cpu.quota_us;
  return true;
}

bool Vm::AreSharesForeign(Actuation& done, const VmCpu& cpu) {
  const std::int64_t now = cpu.shares.value_or(shares_seen_);
  done.before = std::to_string(now);
  if (now == shares_seen_) return false;
  Yield(done, "", shares_seen_, now, {kVmShares, done.before});
  shares_seen_ = now;
  return true;
}

bool Vm::IsForeign(Actuation& done, const runtime::QmpDrive& drive) {
  std::int64_t& seen = drives_seen_.try_emplace(drive.name, drive.bytes_per_second).first->second;
  if (drive.bytes_per_second == seen) return false;
  Yield(done, drive.name + ": ", seen, drive.bytes_per_second, DriveOriginal(drive));
  done.in_force = seen = drive.bytes_per_second;
  return true;
}

void Vm::Notice(Resource resource, Actuation done) {
  news_.push_back(done.file + ": " + done.error);
  noticed_.insert_or_assign(resource, std::move(done));
}

void Vm::Look() {
  auto port = open_(address_);
  if (!port) return;
  Actuation balloon = Begin("balloon");
  if (const auto memory = (*port)->Memory(); memory && memory->now && IsForeign(balloon, *memory))
    Notice(Resource::kMemory, std::move(balloon));
  if (const auto cpu = (*port)->Cpu(); cpu && *cpu) {
    Actuation quota = Begin("global_quota"), shares = Begin("cpu_shares");
    if (IsForeign(quota, **cpu)) Notice(Resource::kCpu, std::move(quota));
    if (AreSharesForeign(shares, **cpu)) Notice(Resource::kCpuWeight, std::move(shares));
  }
  const auto drives = (*port)->Drives();
  for (std::size_t i = 0; drives && i < drives->size(); ++i)
    if (Actuation disk = Begin("disk bandwidth"); IsForeign(disk, (*drives)[i]))
      Notice(Resource::kIoBandwidth, std::move(disk));
}

Actuation Vm::Set(Resource resource, std::int64_t amount) {
  if (auto noticed = noticed_.extract(resource)) return std::move(noticed.mapped());
  auto port = open_(address_);
  if (!port) return Failed(Begin(ToString(resource)), port.error());
  switch (resource) {
    case Resource::kMemory:
      return SetMemory(**port, amount);
    case Resource::kCpu:
      return SetQuota(**port, amount);
    case Resource::kCpuWeight:
      return SetShares(**port, amount);
    case Resource::kIoBandwidth:
      return LimitDrives(**port, amount);
    default:
      return Refuse(Begin(ToString(resource)), "a VM has none");
  }
}

Actuation Vm::SetMemory(VmPort& port, std::int64_t bytes) {
  Actuation done = Begin("balloon");
  const auto memory = port.Memory();
  if (!memory) return Failed(std::move(done), memory.error());
  if (!memory->now) return Refuse(std::move(done), "the VM has no balloon");
  if (IsForeign(done, *memory)) return done;
  const std::int64_t now = *memory->now;
  // Balloons are counted in pages by QEMU and in KiB by libvirt.
  const std::int64_t target = std::min(WholePages(bytes), memory->most);
  if (target < now) {
    if (!memory->used)
      if (const auto asked = port.ReportPeriod(); asked && *asked == 0)
        static_cast<void>(port.SetReportPeriod(kReportSeconds).has_value());
    if (std::string why = WhyNotShrink(*memory, target); !why.empty())
      return Refuse(std::move(done), std::move(why));
  }
  if (target == balloon_wanted_ && target == now) {
    done.outcome = Outcome::kUnchanged;
    return done;
  }
  balloon_wanted_ =
      target;  // also where the answer fails to come: the guest may follow all the same
  if (const auto set = port.SetMemory(target); !set) return Failed(std::move(done), set.error());
  done.written_at = balloon_moved_at_ = clock_->Now();
  const auto after = port.Memory();
  if (!after || !after->now) return Refuse(std::move(done), "it was not read back");
  // What the guest has now is what is in force.
  balloon_seen_ = *after->now;
  done.after = std::to_string(*after->now);
  done.in_force = target;
  done.outcome = Outcome::kApplied;
  return done;
}

Actuation Vm::SetQuota(VmPort& port, std::int64_t millicores) {
  Actuation done = Begin("global_quota");
  const auto cpu = port.Cpu();
  if (!cpu) return Failed(std::move(done), cpu.error());
  if (!*cpu) return Refuse(std::move(done), "its control files have it");
  const VmCpu& now = **cpu;
  const auto in_force = [&](std::int64_t quota_us) {
    return quota_us < 0 ? std::nullopt : std::optional(Millicores(quota_us, now.period_us));
  };
  if (IsForeign(done, now)) return done;
  const std::int64_t target = QuotaUs(millicores, now.period_us);
  done.outcome = Outcome::kUnchanged;
  if (target != now.quota_us) {
    if (const auto set = port.SetQuota(target); !set) return Failed(std::move(done), set.error());
    done.written_at = clock_->Now();
    const auto after = port.Cpu();
    if (!after) return Failed(std::move(done), after.error());
    quota_seen_ = *after ? (*after)->quota_us : -1;
    done.after = std::to_string(quota_seen_);
    done.in_force = in_force(quota_seen_);
    done.outcome = quota_seen_ == target ? Outcome::kApplied : Outcome::kFailed;
    if (done.outcome == Outcome::kFailed)
      done.error = fmt::format("wrote {} and read back {}", target, quota_seen_);
  }
  Plug(port, millicores);
  return done;
}

Actuation Vm::SetShares(VmPort& port, std::int64_t thousandths) {
  Actuation done = Begin("cpu_shares");
  const auto cpu = port.Cpu();
  if (!cpu) return Failed(std::move(done), cpu.error());
  if (!*cpu || !(*cpu)->shares) return Refuse(std::move(done), "its driver has no weight");
  if (AreSharesForeign(done, **cpu)) return done;
  done.in_force = thousandths;
  const std::int64_t target = is_v2_ ? ToWeight(thousandths) : ToShares(thousandths);
  done.outcome = Outcome::kUnchanged;
  if (target == shares_seen_) return done;
  if (const auto set = port.SetShares(target); !set) return Failed(std::move(done), set.error());
  done.written_at = clock_->Now();
  const auto after = port.Cpu();
  if (!after) return Failed(std::move(done), after.error());
  shares_seen_ = *after ? (*after)->shares.value_or(0) : 0;
  done.after = std::to_string(shares_seen_);
  done.outcome = shares_seen_ == target ? Outcome::kApplied : Outcome::kFailed;
  return done;
}

Actuation Vm::LimitDrives(VmPort& port, std::int64_t bytes_per_second) {
  Actuation done = Begin("disk bandwidth");
  const auto drives = port.Drives();
  if (!drives) return Failed(std::move(done), drives.error());
  done.outcome = Outcome::kUnchanged;
  done.in_force = bytes_per_second;
  for (const auto& drive : *drives) {
    if (IsForeign(done, drive)) return done;
    std::int64_t& seen = drives_seen_.at(drive.name);
    if (seen == bytes_per_second) continue;
    done.before = std::to_string(seen);
    if (const auto set = port.LimitDrive(drive.name, bytes_per_second); !set)
      return Failed(std::move(done), set.error());
    done.written_at = clock_->Now();
    seen = bytes_per_second;
    done.outcome = Outcome::kApplied;
  }
  if (done.outcome != Outcome::kApplied) return done;
  const auto after = port.Drives();
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

void Vm::PlugFor(std::int64_t millicores) {
  if (auto port = open_(address_)) Plug(**port, millicores);
}

void Vm::Plug(VmPort& port, std::int64_t millicores) {
  const auto useful = static_cast<int>((millicores + 999) / 1000);
  // Without a question to a VMM that may be slow, where there is nothing to do.
  if (std::min(useful, vcpus_seen_.possible) <= vcpus_seen_.plugged) return;
  const auto vcpus = port.Vcpus();
  if (!vcpus) return;
  vcpus_seen_ = *vcpus;
  const int wanted = std::min(useful, vcpus->possible);
  if (wanted <= vcpus->plugged) return;
  const auto set = port.SetVcpus(wanted);
  if (set) vcpus_seen_.plugged = wanted;
  BALLAST_LOG(kInfo, "vCPUs plugged in", {"vm", address_.text}, {"from", vcpus->plugged},
              {"to", wanted}, {"error", set ? "" : set.error().ToString()});
}

}  // namespace ballast::actuate

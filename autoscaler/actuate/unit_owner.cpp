#include "autoscaler/actuate/unit_owner.h"

#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/limit_text.h"

namespace ballast::actuate {
namespace {

using runtime::kNoUnitLimit;
using runtime::UnitProperty;

constexpr std::chrono::seconds kSilence{10};

std::uint64_t PerSecond(std::int64_t quota_us, std::int64_t period_us) {
  if (quota_us < 0) return kNoUnitLimit;
  return static_cast<std::uint64_t>(quota_us) * 1'000'000 / static_cast<std::uint64_t>(period_us);
}

std::vector<UnitProperty> Quota(std::int64_t quota_us, std::int64_t period_us) {
  return {{"CPUQuotaPerSecUSec", PerSecond(quota_us, period_us)},
          {"CPUQuotaPeriodUSec", static_cast<std::uint64_t>(period_us)}};
}

// Names of systemd.resource-control(5). On v1 MemoryMax is memory.limit_in_bytes.
const char* MemoryProperty(const std::string& file) {
  if (file == kHigh) return "MemoryHigh";
  if (file == kLow) return "MemoryLow";
  return file == kMemoryMax || file == kLimitV1 ? "MemoryMax" : nullptr;
}

}  // namespace

std::vector<UnitProperty> PropertiesFor(const ControlDir& dir, const std::string& file,
                                        const std::string& value) {
  if (const char* name = MemoryProperty(file)) {
    const auto limit = ParseMemoryLimit(value);
    if (!limit) return {};
    return {{name, *limit ? static_cast<std::uint64_t>(**limit) : kNoUnitLimit}};
  }
  if (file == kCpuMax) {
    const auto cpu = ParseCpuMax(value);
    if (!cpu || cpu->period_us <= 0) return {};
    return Quota(cpu->quota_us.value_or(-1), cpu->period_us);
  }
  const auto number = ParseNumber(value);
  if (!number) return {};
  if (file == kQuota) {
    const auto period = ReadNumber(dir, kPeriod);
    if (!period || *period <= 0) return {};
    return Quota(*number, *period);
  }
  if (file == kWeight) return {{"CPUWeight", static_cast<std::uint64_t>(*number)}};
  if (file == kShares) return {{"CPUShares", static_cast<std::uint64_t>(*number)}};
  return {};
}

Result<runtime::Systemd*> UnitOwner::Connect() {
  if (systemd_ == nullptr) {
    BALLAST_TRY(auto systemd, runtime::Systemd::Open(address_), "systemd");
    systemd_ = std::make_unique<runtime::Systemd>(std::move(systemd));
  }
  return systemd_.get();
}

std::string UnitOwner::UnitOf(const std::string& path) {
  const std::string unit = path.substr(path.rfind('/') + 1);
  if (!unit.ends_with(".scope") && !unit.ends_with(".service") && !unit.ends_with(".slice"))
    return "";
  auto systemd = Connect();
  if (!systemd) return "";
  // A group that only looks like a unit, or is another manager's (user@.service), is none of it.
  const auto group = (*systemd)->ControlGroup(unit);
  if (!group) systemd_.reset();  // a bus that went away is asked anew
  return group && *group == path ? unit : "";
}

Result<bool> UnitOwner::Tell(const std::string& unit, const ControlDir& dir,
                             const std::string& file, const std::string& value) {
  const auto properties = PropertiesFor(dir, file, value);
  if (properties.empty() || std::chrono::steady_clock::now() < silent_until_) return false;
  BALLAST_TRY(runtime::Systemd * systemd, Connect(), unit);
  if (auto told = systemd->SetProperties(unit, properties); !told) {
    systemd_.reset();
    silent_until_ = std::chrono::steady_clock::now() + kSilence;
    return std::move(told).error();
  }
  return true;
}

}  // namespace ballast::actuate

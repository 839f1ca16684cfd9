// CPU limits of the file actuator: quota, burst, weight.

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/limit_text.h"

namespace ballast::actuate {
namespace {

std::optional<std::int64_t> InForce(const std::string& quota_text, std::int64_t period) {
  const auto quota = ParseNumber(quota_text);
  if (!quota || *quota < 0) return std::nullopt;
  return Millicores(*quota, period);
}

}  // namespace

Actuation CgroupActuator::SetCpu(Adopted& adopted, std::int64_t millicores) {
  const ControlDir& dir = *adopted.cpu;
  if (!adopted.cpu_v2) {
    const auto period = ReadNumber(dir, kPeriod);
    if (!period) return FailedBy(dir, kPeriod, period.error());
    if (*period <= 0) return Refused(&dir, kPeriod, "the period is not above zero");
    const std::int64_t quota = QuotaUs(millicores, *period);
    Actuation done = WriteQuota(adopted, kQuota, std::to_string(quota), quota);
    done.in_force = InForce(Holds(done), *period);
    return done;
  }
  const auto text = dir.Read(kCpuMax);
  if (!text) return FailedBy(dir, kCpuMax, text.error());
  auto value = ParseCpuMax(*text);
  if (!value) return Refused(&dir, kCpuMax, "'" + *text + "' is not understood");
  const std::int64_t quota = QuotaUs(millicores, value->period_us);
  value->quota_us = quota;
  Actuation done = WriteQuota(adopted, kCpuMax, FormatCpuMax(*value), quota);
  const auto holds = ParseCpuMax(Holds(done));
  if (holds && holds->quota_us) done.in_force = Millicores(*holds->quota_us, holds->period_us);
  return done;
}

// The kernel refuses a quota below the burst that is set, and a burst above the
// quota; so the burst falls before the quota does, and rises after it rose.
Actuation CgroupActuator::WriteQuota(Adopted& adopted, const char* file, const std::string& value,
                                     std::int64_t quota_us) {
  const ControlDir& dir = *adopted.cpu;
  const char* burst_file = adopted.cpu_v2 ? kBurstV2 : kBurstV1;
  const auto burst = dir.Has(burst_file) ? ReadNumber(dir, burst_file) : Error::Invalid("none");
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(quota_us) * options_.cpu_burst);
  const auto write_burst = [&](std::int64_t us) {
    return WriteChecked(adopted, dir, burst_file, std::to_string(us));
  };
  if (burst && *burst > quota_us)
    if (Actuation lowered = write_burst(wanted); !IsDone(lowered)) return lowered;
  Actuation done = WriteChecked(adopted, dir, file, value);
  if (!IsDone(done) || !burst || options_.cpu_burst == 0) return done;
  // The quota stands; a burst that does not is worth no more than saying so.
  if (const Actuation set = write_burst(wanted); !IsDone(set)) done.error = set.error;
  return done;
}

Actuation CgroupActuator::SetWeight(Adopted& adopted, std::int64_t thousandths) {
  const std::int64_t value = adopted.cpu_v2 ? ToWeight(thousandths) : ToShares(thousandths);
  Actuation done = WriteChecked(adopted, *adopted.cpu, adopted.cpu_v2 ? kWeight : kShares,
                                std::to_string(value));
  done.in_force = thousandths;
  return done;
}

}  // namespace ballast::actuate

#include "autoscaler/actuate/container_owner.h"

#include <algorithm>

#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/limit_text.h"

namespace ballast::actuate {
namespace {

constexpr std::size_t kIdDigits = 64;
constexpr const char* kSwapMaxV2 = "memory.swap.max";
constexpr std::int64_t kNone = -1;

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void AddCpu(const ControlDir& dir, runtime::ContainerLimits& limits) {
  if (const auto text = dir.Has(kCpuMax) ? dir.Read(kCpuMax) : std::string()) {
    const auto cpu = ParseCpuMax(*text);
    if (cpu) {
      limits.cpu_quota_us = cpu->quota_us.value_or(kNone);
      limits.cpu_period_us = cpu->period_us;
    }
  }
  if (!dir.Has(kQuota)) return;
  const auto quota = ReadNumber(dir, kQuota);
  const auto period = ReadNumber(dir, kPeriod);
  if (quota && period) {
    limits.cpu_quota_us = *quota;
    limits.cpu_period_us = *period;
  }
  if (const auto shares = ReadNumber(dir, kShares)) limits.cpu_shares = *shares;
}

// The API has no word for "no memory limit any more": then it is not told.
void AddMemory(const ControlDir& dir, runtime::ContainerLimits& limits) {
  const bool v2 = dir.Has(kMemoryMax);
  const auto memory = ReadLimit(dir, v2 ? kMemoryMax : kLimitV1);
  if (!memory) return;
  limits.memory_bytes = memory;
  // Always with it: a memory limit above the one of both together is refused.
  const auto swap = ReadLimit(dir, v2 ? kSwapMaxV2 : kSwapLimitV1);
  limits.memory_swap_bytes = !swap ? kNone : v2 ? *memory + *swap : *swap;
}

}  // namespace

std::string ContainerIdOf(std::string_view path) {
  std::string_view last = path.substr(path.rfind('/') + 1);
  if (last.ends_with(".scope")) last.remove_suffix(6);
  if (last.size() > kIdDigits && last[last.size() - kIdDigits - 1] != '-') return "";
  if (last.size() < kIdDigits) return "";
  last.remove_prefix(last.size() - kIdDigits);
  return std::ranges::all_of(last, IsHex) ? std::string(last) : "";
}

void AddLimits(const ControlDir& dir, runtime::ContainerLimits& limits) {
  AddCpu(dir, limits);
  if (dir.Has(kMemoryMax) || dir.Has(kLimitV1)) AddMemory(dir, limits);
}

}  // namespace ballast::actuate

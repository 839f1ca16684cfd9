#pragma once

// Control file texts to amounts and back; pure. The kernel rounds memory limits
// down to pages and refuses quotas under 1 ms, so amounts are brought to what
// the kernel can hold before they are compared with what it holds.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ballast::actuate {

inline constexpr std::int64_t kDefaultPeriodUs = 100'000;  // the kernel's own
inline constexpr std::int64_t kLeastQuotaUs = 1'000;       // min_cfs_quota_period

// v2 cpu.max: "max 100000" or "50000 100000".
struct CpuMax {
  std::optional<std::int64_t> quota_us;  // nullopt: no limit
  std::int64_t period_us = kDefaultPeriodUs;
};
std::optional<CpuMax> ParseCpuMax(std::string_view text);
std::string FormatCpuMax(const CpuMax& value);

// -1 is no limit.
std::optional<std::int64_t> ParseNumber(std::string_view text);

std::int64_t QuotaUs(std::int64_t millicores, std::int64_t period_us);
std::int64_t Millicores(std::int64_t quota_us, std::int64_t period_us);

// A number or "max"; v1's huge number for "no limit" counts as none. The outer
// optional is empty for a text that is neither.
std::optional<std::optional<std::int64_t>> ParseMemoryLimit(std::string_view text);
std::int64_t WholePages(std::int64_t bytes);

// Thousandths of the default to cpu.weight (1..10000, default 100) and
// cpu.shares (2..262144, default 1024), and back.
std::int64_t ToWeight(std::int64_t thousandths);
std::int64_t ToShares(std::int64_t thousandths);

}  // namespace ballast::actuate

#include "autoscaler/actuate/limit_text.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace ballast::actuate {
namespace {

// v1 says "no limit" as PAGE_COUNTER_MAX in bytes, 2^63 rounded down to pages.
constexpr std::int64_t kNoLimitV1 = std::int64_t{1} << 62;

}  // namespace

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<CpuMax> ParseCpuMax(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  CpuMax value;
  const auto period = ParseNumber(text.substr(space + 1));
  if (!period || *period <= 0) return std::nullopt;
  value.period_us = *period;
  const std::string_view quota = text.substr(0, space);
  if (quota == "max") return value;
  value.quota_us = ParseNumber(quota);
  if (!value.quota_us) return std::nullopt;
  return value;
}

std::string FormatCpuMax(const CpuMax& value) {
  return (value.quota_us ? std::to_string(*value.quota_us) : "max") + " " +
         std::to_string(value.period_us);
}

std::int64_t QuotaUs(std::int64_t millicores, std::int64_t period_us) {
  return std::max(kLeastQuotaUs, millicores * period_us / 1000);
}

std::int64_t Millicores(std::int64_t quota_us, std::int64_t period_us) {
  return quota_us * 1000 / period_us;
}

std::optional<std::optional<std::int64_t>> ParseMemoryLimit(std::string_view text) {
  if (text == "max") return std::optional<std::int64_t>();
  const auto bytes = ParseNumber(text);
  if (!bytes) return std::nullopt;
  if (*bytes < 0 || *bytes >= kNoLimitV1) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(*bytes);
}

std::int64_t WholePages(std::int64_t bytes) {
  static const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  return bytes / page * page;
}

std::int64_t ToWeight(std::int64_t thousandths) {
  return std::clamp<std::int64_t>(thousandths * 100 / 1000, 1, 10'000);
}

std::int64_t ToShares(std::int64_t thousandths) {
  return std::clamp<std::int64_t>(thousandths * 1024 / 1000, 2, 262'144);
}

}  // namespace ballast::actuate

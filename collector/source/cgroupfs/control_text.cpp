#include "collector/source/cgroupfs/control_text.h"

#include <algorithm>
#include <charconv>

#include "collector/model/field.h"

namespace ballast::source {
namespace {

// PAGE_COUNTER_MAX is LONG_MAX / PAGE_SIZE pages; with the largest page of any
// supported machine (64 KiB) that is not below this.
constexpr std::uint64_t kV1UnlimitedFrom = (std::uint64_t{1} << 63) - 65'536;

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  text = Trimmed(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> Scaled(std::optional<std::uint64_t> value, std::uint64_t factor) {
  std::uint64_t product = 0;
  if (!value || __builtin_mul_overflow(*value, factor, &product)) return std::nullopt;
  return product;
}

std::optional<std::uint64_t> ParseLimit(std::string_view text) {
  return Trimmed(text) == "max" ? model::kUnlimited : ParseNumber(text);
}

std::optional<std::uint64_t> ParseV1Limit(std::string_view text) {
  if (Trimmed(text) == "-1") return model::kUnlimited;
  const auto value = ParseNumber(text);
  return value && *value >= kV1UnlimitedFrom ? model::kUnlimited : value;
}

std::optional<CpuMax> ParseCpuMax(std::string_view text) {
  std::string_view line = TakeLine(text);
  const auto quota = ParseLimit(TakeWord(line));
  const auto period = ParseNumber(TakeWord(line));
  if (!quota || !period || *period == 0 || !TakeWord(line).empty()) return std::nullopt;
  return CpuMax{*quota, *period};
}

Pressure ParsePressure(std::string_view text) {
  static constexpr std::string_view kTotal = "total=";
  Pressure pressure;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view kind = TakeWord(line);
    std::optional<std::uint64_t> total;
    for (auto word = TakeWord(line); !word.empty(); word = TakeWord(line))
      if (word.starts_with(kTotal)) total = ParseNumber(word.substr(kTotal.size()));
    if (kind == "some") pressure.some_us = total;
    if (kind == "full") pressure.full_us = total;
  }
  return pressure;
}

std::uint64_t WeightFromShares(std::uint64_t shares) {
  shares = std::clamp<std::uint64_t>(shares, 2, 262'144);
  return 1 + (shares - 2) * 9'999 / 262'142;
}

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view TakeWord(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

}  // namespace ballast::source

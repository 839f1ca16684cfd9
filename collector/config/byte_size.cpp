#include "collector/config/byte_size.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace ballast::config {
namespace {

struct UnitName {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kUnits = {
    UnitName{"", 1},
    UnitName{"B", 1},
    UnitName{"kB", 1000},
    UnitName{"KB", 1000},
    UnitName{"MB", 1000ULL * 1000},
    UnitName{"GB", 1000ULL * 1000 * 1000},
    UnitName{"TB", 1000ULL * 1000 * 1000 * 1000},
    UnitName{"KiB", 1ULL << 10},
    UnitName{"MiB", 1ULL << 20},
    UnitName{"GiB", 1ULL << 30},
    UnitName{"TiB", 1ULL << 40},
};

}  // namespace

Result<std::uint64_t> ParseByteSize(std::string_view text) {
  const auto wrong = [text] {
    return Error::Invalid(fmt::format(
        "'{}' is not a size; write for example 512MiB, 2GB or a number of bytes", text));
  };
  double number = 0.0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0.0)) return wrong();
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const UnitName& known : kUnits) {
    if (known.name != unit) continue;
    const double bytes = number * static_cast<double>(known.bytes);
    if (bytes >= 0x1p63) return wrong();
    return static_cast<std::uint64_t>(std::llround(bytes));
  }
  return wrong();
}

std::string FormatByteSize(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < kNames.size()) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + std::string(kNames[unit]);
}

}  // namespace ballast::config

#pragma once

// The texts of cgroup control files and their relatives in /proc. Every parser
// takes what it understands and leaves the rest: kernels add lines and keys, and
// a line that makes no sense is absent, never zero.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace ballast::source {

// "4096\n" -> 4096. nullopt: empty, a sign, another character, or beyond 64 bits.
std::optional<std::uint64_t> ParseNumber(std::string_view text);
// value * factor; nullopt: beyond 64 bits.
std::optional<std::uint64_t> Scaled(std::optional<std::uint64_t> value, std::uint64_t factor);
// A cgroup2 limit: a number, or "max" -> model::kUnlimited.
std::optional<std::uint64_t> ParseLimit(std::string_view text);
// A v1 limit: -1 and the page counter's maximum (2^63 rounded down to a page) -> model::kUnlimited.
std::optional<std::uint64_t> ParseV1Limit(std::string_view text);

struct CpuMax {
  std::uint64_t quota_us = 0;  // or model::kUnlimited
  std::uint64_t period_us = 0;
};
// "max 100000", "50000 100000"
std::optional<CpuMax> ParseCpuMax(std::string_view text);

struct Pressure {
  std::optional<std::uint64_t> some_us;
  std::optional<std::uint64_t> full_us;  // absent for the host's CPU before 5.13
};
// The `total=` of each line of a pressure file.
Pressure ParsePressure(std::string_view text);

// cpu.shares (2 to 262144) as cpu.weight (1 to 10000): the linear map that runc and crun wrote for
// years (1 + (shares - 2) * 9999 / 262142), so that 1024 is 39.
std::uint64_t WeightFromShares(std::uint64_t shares);

// The text's next line without its end, taken off the text.
std::string_view TakeLine(std::string_view& text);
// The next word between blanks, taken off the line; empty at its end.
std::string_view TakeWord(std::string_view& line);

// "key value" lines of a flat keyed file. A value that is no number is passed over.
template <typename Visit>  // (std::string_view key, std::uint64_t value)
void ForEachKeyed(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeWord(line);
    if (const auto value = ParseNumber(TakeWord(line)); value && TakeWord(line).empty())
      visit(key, *value);
  }
}

}  // namespace ballast::source

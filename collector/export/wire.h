#pragma once

// The wire format of Protocol Buffers, as far as Prometheus' exposition needs
// it: appended to a string. Written here instead of generated: four message
// types of numbers and texts, whose labels are encoded once per workload and
// then copied; the library would build a million objects for the same bytes.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace ballast::exposition::wire {

inline void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

constexpr std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

inline void AppendVarintField(std::string& out, int field, std::uint64_t value) {
  AppendVarint(out, static_cast<std::uint64_t>(field) << 3);
  AppendVarint(out, value);
}

inline void AppendDouble(std::string& out, int field, double value) {
  AppendVarint(out, static_cast<std::uint64_t>(field) << 3 | 1);
  auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 0; i < 8; ++i, bits >>= 8) out += static_cast<char>(bits & 0xff);
}

// Texts and messages alike.
inline void AppendBytes(std::string& out, int field, std::string_view bytes) {
  AppendVarint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

}  // namespace ballast::exposition::wire

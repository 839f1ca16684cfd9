#pragma once

#include <cstdint>

namespace ballast::simulate {

// The n-th draw of a stream, the same on every machine and in any order of
// asking (SplitMix64's finaliser; Steele, Lea, Flood, OOPSLA 2014). Policies
// that make tasks end at other times still draw the same tasks.
constexpr std::uint64_t Draw(std::uint64_t seed, std::uint64_t stream, std::uint64_t n) {
  std::uint64_t z = seed * 0x9e3779b97f4a7c15ULL + stream * 0xd1b54a32d192ed03ULL +
                    (n + 1) * 0x8cb92ba72f3d8dd7ULL;
  for (int round = 0; round < 2; ++round) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
  }
  return z;
}

// In [0, 1).
constexpr double DrawUnit(std::uint64_t seed, std::uint64_t stream, std::uint64_t n) {
  return static_cast<double>(Draw(seed, stream, n) >> 11) * 0x1p-53;
}

}  // namespace ballast::simulate

#pragma once

// Seeded random numbers that are the same with every standard library.

#include <cstdint>

namespace ballast::consolidate {

// splitmix64 (Steele, Lea, Flood 2014): one state word, good enough for search.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // In [0, below). Requires: below > 0.
  int Below(int below) {
    return static_cast<int>((Next() >> 32) * static_cast<std::uint64_t>(below) >> 32);
  }
  // In [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace ballast::consolidate

#pragma once

#include <array>
#include <cstdint>

namespace ballast::model {

// Durations in powers of two of a microsecond, the shape every latency of the
// kernel side has. Counts only rise; two readings subtract to an interval.
//
//   bucket 0: under 1 us;  bucket i: [2^(i-1), 2^i) us;  the last one is open.
//
// 28 buckets end at 2^26 us = 67 s: a wait above that is an incident, not a
// latency. Matches RUNQ_BUCKETS of bpf/abi.
struct Histogram {
  static constexpr int kBuckets = 28;

  std::array<std::uint64_t, kBuckets> counts{};
  std::uint64_t sum_ns = 0;

  friend bool operator==(const Histogram&, const Histogram&) = default;
};

// Upper edge of a bucket in nanoseconds; the last bucket has none and answers
// the largest finite edge. Requires: 0 <= bucket < kBuckets.
constexpr std::uint64_t BucketUpperNs(int bucket) {
  return 1000ULL << (bucket < Histogram::kBuckets - 1 ? bucket : Histogram::kBuckets - 2);
}

constexpr std::uint64_t TotalCount(const Histogram& histogram) {
  std::uint64_t total = 0;
  for (const std::uint64_t count : histogram.counts) total += count;
  return total;
}

// What was added between two readings. A count that stepped back (the source
// was restarted) contributes nothing rather than a huge number.
constexpr Histogram Since(const Histogram& then, const Histogram& now) {
  Histogram delta;
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (now.counts[at] >= then.counts[at]) delta.counts[at] = now.counts[at] - then.counts[at];
  }
  if (now.sum_ns >= then.sum_ns) delta.sum_ns = now.sum_ns - then.sum_ns;
  return delta;
}

// The value below which `share` (0..1] of the observations lie, interpolated
// linearly inside its bucket; 0 for an empty histogram. Error: at most the
// bucket, a factor of two.
double QuantileNs(const Histogram& histogram, double share);

}  // namespace ballast::model

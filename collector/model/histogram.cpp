#include "collector/model/histogram.h"

namespace ballast::model {

double QuantileNs(const Histogram& histogram, double share) {
  const double rank = share * static_cast<double>(TotalCount(histogram));
  if (rank <= 0.0) return 0.0;
  double below = 0.0;
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    const auto count = static_cast<double>(histogram.counts[static_cast<std::size_t>(i)]);
    if (below + count >= rank && count > 0.0) {
      const double low = i == 0 ? 0.0 : static_cast<double>(BucketUpperNs(i - 1));
      const double high = static_cast<double>(BucketUpperNs(i));
      return low + (high - low) * (rank - below) / count;
    }
    below += count;
  }
  return static_cast<double>(BucketUpperNs(Histogram::kBuckets - 1));
}

}  // namespace ballast::model

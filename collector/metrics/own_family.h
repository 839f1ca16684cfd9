#pragma once

// A family of a daemon's own metrics as values, without prometheus-cpp, for
// whoever writes it in another format.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "collector/metrics/spec.h"

namespace ballast::metrics {

struct OwnSample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0.0;
  // Histograms only: upper edges with the observations at or below, +Inf included.
  std::vector<std::pair<double, std::uint64_t>> buckets;
  double sum = 0.0;
};

struct OwnFamily {
  std::string name;
  std::string help;
  Kind kind{};
  std::vector<OwnSample> samples;
};

}  // namespace ballast::metrics

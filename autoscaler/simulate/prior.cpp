#include "autoscaler/simulate/prior.h"

#include <algorithm>
#include <cmath>

#include "collector/base/check.h"

namespace ballast::simulate {

double Quantile(std::vector<double> values, double share) {
  BALLAST_CHECK(!values.empty() && share >= 0 && share <= 1, "a quantile of something");
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

std::vector<double> MemoryPeaks(const std::vector<Trace>& traces) {
  std::vector<double> peaks;
  peaks.reserve(traces.size());
  for (const Trace& trace : traces) peaks.push_back(PeakMemory(trace));
  return peaks;
}

std::vector<double> CpuPeaks(const std::vector<Trace>& traces) {
  std::vector<double> peaks;
  peaks.reserve(traces.size());
  for (const Trace& trace : traces)
    peaks.push_back(std::ranges::max_element(trace.samples, {}, &Sample::cpu_cores)->cpu_cores);
  return peaks;
}

std::vector<double> MemorySamples(const std::vector<Trace>& traces) {
  std::vector<double> samples;
  for (const Trace& trace : traces)
    for (const Sample& sample : trace.samples) samples.push_back(sample.memory_bytes);
  return samples;
}

}  // namespace ballast::simulate

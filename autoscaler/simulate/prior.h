#pragma once

// What is known of a fleet beforehand, from traces of the past.

#include <vector>

#include "autoscaler/simulate/trace.h"

namespace ballast::simulate {

// The smallest value that at least this share of the values does not exceed.
// Requires: values are not empty, 0 <= share <= 1.
double Quantile(std::vector<double> values, double share);

std::vector<double> MemoryPeaks(const std::vector<Trace>& traces);
std::vector<double> CpuPeaks(const std::vector<Trace>& traces);
std::vector<double> MemorySamples(const std::vector<Trace>& traces);

}  // namespace ballast::simulate

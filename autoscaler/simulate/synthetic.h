#pragma once

// Traces of agents that never lived, for tests and for who has none: tasks of minutes
// that wait for a model most of the time, hold some 200 MB and burst inside tool calls. The
// figures follow what was published of real ones (AgentCgroup, arXiv 2602.09345: 185 MB at
// rest, peaks of 0.5 to 4 GB, bursts of 1 to 2 s that rise by up to 3 GB/s, CPU 8 to 13 %
// of a core on average).

#include <cstdint>
#include <vector>

#include "autoscaler/simulate/trace.h"

namespace ballast::simulate {

struct SyntheticOptions {
  int count = 64;
  std::uint64_t seed = 1;
  // Of every tool call's burst; 2: twice as much memory as published.
  double burst_scale = 1;
};

std::vector<Trace> MakeSynthetic(const SyntheticOptions& options);

}  // namespace ballast::simulate

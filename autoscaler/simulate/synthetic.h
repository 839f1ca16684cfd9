#pragma once

// Traces of agents that never lived, for tests and for who has none: tasks of minutes
// that wait for a model most of the time, hold some 200 MB and burst inside tool calls. The
// figures follow what was published of real ones (AgentCgroup, arXiv 2602.09345: 185 MB at
// rest, peaks of 0.5 to 4 GB, bursts of 1 to 2 s that rise by up to 3 GB/s, CPU 8 to 13 %
// of a core on average).

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "autoscaler/simulate/trace.h"

namespace ballast::simulate {

struct SyntheticOptions {
  int count = 64;
  std::uint64_t seed = 1;
  // Of every tool call's burst; 2: twice as much memory as published.
  double burst_scale = 1;
  double rest_scale = 1;    // memory between tool calls
  double tail_scale = 1;    // exponent of the bursts' Pareto tail; below 1: heavier
  double length_scale = 1;  // of tasks
  double pause_scale = 1;   // between tool calls
  double cores_scale = 1;   // of tool calls
  double sample_seconds = 1;
  bool regular = true;  // false: samples come late by up to half of `sample_seconds`
  bool tools_logged = true;
  double leak_per_second = 0;  // bytes that each second adds and nobody frees
  // Above 0: besides, use steps up by `square_bytes` and down again every so many seconds.
  double square_seconds = 0;
  double square_bytes = 0;
};

std::vector<Trace> MakeSynthetic(const SyntheticOptions& options);

// Kinds of agents unlike those that defaults were chosen by: what is said of a policy should
// hold for them, too, or be said not to.
struct SyntheticFamily {
  std::string_view name;
  std::string_view what;  // one line
  SyntheticOptions options;
};
const std::vector<SyntheticFamily>& SyntheticFamilies();
std::optional<SyntheticOptions> FindSyntheticFamily(std::string_view name);

}  // namespace ballast::simulate

#pragma once

// From the LP to a placement: fix the columns the LP is surest of, lower the
// demand by them, generate columns for the rest, and so on. Usually ends at the
// rounded LP value, which then proves itself optimal.

#include <optional>

#include "autoscaler/consolidate/column_generation.h"
#include "autoscaler/consolidate/random.h"

namespace ballast::consolidate {

struct DiveOptions {
  // Of chance in the choice of columns; 0 is the plain dive, repeats need more.
  double jitter = 0;
  Cost below = 0;              // of interest only if cheaper than this; an end to hopeless dives
  std::int64_t nodes = 5'000;  // of one pricing
};

// The chosen columns; nullopt when the dive was cut off. `cg` gets its full
// demand back at the end and keeps the columns it learned.
std::optional<std::vector<ChosenColumn>> Dive(const Instance& in, ColumnGeneration& cg,
                                              const DiveOptions& options, Random& random,
                                              WorkMeter& work);

}  // namespace ballast::consolidate

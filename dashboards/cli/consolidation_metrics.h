#pragma once

#include <string>

#include "autoscaler/consolidate/problem.h"
#include "autoscaler/consolidate/solve.h"

namespace ballast::cli {

// The answer as Prometheus reads it, text format 0.0.4: for the textfile
// collector of a node_exporter, or any server of files. Where there is no
// placement its families are absent, and the status and the bound stay.
// `at_seconds`: when it was solved, since 1970.
std::string ConsolidationMetrics(const consolidate::Problem& problem,
                                 const consolidate::Solution& solution, double seconds,
                                 double at_seconds);

// "optimal", "feasible", "infeasible", "unknown".
const char* StatusName(consolidate::Status status);

}  // namespace ballast::cli

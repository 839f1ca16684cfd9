#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast explain ID|last [--recording FILE]`: one decision of the autoscaler, from a running
// collector or from what the flight recorder kept: inputs, model, guards' reasons, outcome,
// reaction.
void AddExplain(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

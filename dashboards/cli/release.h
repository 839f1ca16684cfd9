#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast release`: puts back every limit that a dead autoscaler left behind.
// When it was chosen, `exit_status` (which outlives the parsing) is set by its callback.
void AddRelease(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast solve allocation FILE|-`: adds the command below `solve`. When it
// was chosen, `exit_status` (which outlives the parsing) is set by its callback.
void AddSolveAllocation(CLI::App& solve, int& exit_status);

}  // namespace ballast::cli

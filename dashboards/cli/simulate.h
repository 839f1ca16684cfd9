#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast simulate --traces DIR --policy NAME`: the control loop, or a baseline, closed-loop
// on traces. `--policy all` runs every policy, `--frontier FILE.svg` draws slack against
// violations.
void AddSimulate(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast top`: workloads live from the record socket, in the terminal; --once: one table on
// standard output.
void AddTop(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

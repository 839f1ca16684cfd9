#pragma once

#include <CLI/App.hpp>
#include <string>

namespace ballast::cli {

// METRICS.md: every metric that the programs export, from their catalogues.
std::string MetricsPage();

// `ballast metrics`: prints the page.
void AddMetrics(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

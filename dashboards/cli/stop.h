#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast stop [--release]` and `ballast resume`: the kill switch of the autoscaler on this host.
void AddStop(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

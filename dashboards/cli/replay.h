#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// `ballast replay FILE|-`: a flight recorder's file, record by record. Text
// shows what happened (events, births, decisions); JSON shows every record.
void AddReplay(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

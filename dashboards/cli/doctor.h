#pragma once

#include <CLI/App.hpp>

namespace ballast::cli {

// ballast doctor [--format text|json] [--collector PROGRAM] [--config FILE]
//
// What is measured on this host from where, what is missing, what to do. The
// collector itself answers, whether one runs or not: it is the program that
// knows the kernel, and what it says is what it would do. Status 0: nothing
// missing, 1: something is, 2: wrong use, or no collector program.
void AddDoctor(CLI::App& app, int& exit_status);

}  // namespace ballast::cli

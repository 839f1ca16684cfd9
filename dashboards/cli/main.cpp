// The program `ballast`: a dispatcher. Each command is one file of this folder
// that adds itself to the tree of commands.

#include <cstdio>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "dashboards/cli/doctor.h"
#include "dashboards/cli/exit_status.h"
#include "dashboards/cli/explain.h"
#include "dashboards/cli/metrics_page.h"
#include "dashboards/cli/release.h"
#include "dashboards/cli/replay.h"
#include "dashboards/cli/simulate.h"
#include "dashboards/cli/solve_allocation.h"
#include "dashboards/cli/solve_consolidation.h"
#include "dashboards/cli/stop.h"
#include "dashboards/cli/top.h"

int main(int argc, char** argv) {
  CLI::App app("Ballast keeps fleets of LLM agents level.", "ballast");
  app.require_subcommand(1);
  int exit_status = ballast::cli::kInternalError;

  ballast::cli::AddDoctor(app, exit_status);
  ballast::cli::AddMetrics(app, exit_status);
  ballast::cli::AddReplay(app, exit_status);
  ballast::cli::AddExplain(app, exit_status);
  ballast::cli::AddRelease(app, exit_status);
  ballast::cli::AddStop(app, exit_status);
  ballast::cli::AddTop(app, exit_status);
  ballast::cli::AddSimulate(app, exit_status);
  CLI::App* solve = app.add_subcommand("solve", "Solve one model from a file");
  solve->require_subcommand(1);
  ballast::cli::AddSolveAllocation(*solve, exit_status);
  ballast::cli::AddSolveConsolidation(*solve, exit_status);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help is a "parse error" of status 0; a real one is bad input, said in one line.
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "ballast: %s; see ballast --help\n", error.what());
    return ballast::cli::kBadInput;
  }
  return exit_status;
}

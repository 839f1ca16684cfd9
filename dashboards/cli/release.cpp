#include "dashboards/cli/release.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "autoscaler/actuate/release.h"
#include "autoscaler/actuate/state_folder.h"
#include "dashboards/cli/exit_status.h"

namespace ballast::cli {
namespace {

// Also systemd's ExecStopPost: quiet success where there is nothing to do.
int Run(const std::string& state_dir) {
  // A live autoscaler would write its limits again at once.
  const auto folder = actuate::StateFolder::Lock(state_dir);
  if (!folder) {
    fmt::print(stderr, "ballast: {}\n", folder.error().ToString());
    return kBadInput;
  }
  const auto released = actuate::ReleaseFile(folder->journal_path(), actuate::kBurstPatience);
  if (!released) {
    fmt::print(stderr, "ballast: {}\n", released.error().ToString());
    return kInternalError;
  }
  fmt::print("{}\n", actuate::Summary(*released));
  for (const std::string& failure : released->failures)
    fmt::print(stderr, "ballast: not put back: {}\n", failure);
  return released->failures.empty() ? kSolved : kInfeasible;
}

}  // namespace

void AddRelease(CLI::App& app, int& exit_status) {
  auto state_dir = std::make_shared<std::string>(
      "/var/lib/ballast/autoscaler");  // the second owner is the callback
  CLI::App* command =
      app.add_subcommand("release", "Put back the limits of an autoscaler that died");
  command->add_option("--state,--state-dir", *state_dir, "The autoscaler's state folder");
  command->callback([state_dir, &exit_status] { exit_status = Run(*state_dir); });
}

}  // namespace ballast::cli

#include "dashboards/cli/stop.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "autoscaler/actuate/stop_file.h"
#include "dashboards/cli/exit_status.h"

namespace ballast::cli {
namespace {

struct Options {
  std::string state_dir = "/var/lib/ballast/autoscaler";
  bool release = false;
  std::string why = "by ballast stop";
};

int Stop(const Options& options) {
  const actuate::StopFile file(options.state_dir);
  if (const auto written = file.Write({options.release, options.why}); !written) {
    fmt::print(stderr, "ballast: stop: {}\n", written.error().ToString());
    return kBadInput;
  }
  fmt::print(
      "{}: the autoscaler {} until: ballast resume\n", file.path(),
      options.release ? "puts every limit back and writes none" : "leaves limits as they are");
  return kSolved;
}

int Resume(const Options& options) {
  const actuate::StopFile file(options.state_dir);
  const auto removed = file.Remove();
  if (!removed) {
    fmt::print(stderr, "ballast: resume: {}\n", removed.error().ToString());
    return kBadInput;
  }
  fmt::print("{}: {}\n", file.path(), *removed ? "removed" : "was not there; nothing was stopped");
  return kSolved;
}

}  // namespace

void AddStop(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner are the callbacks
  CLI::App* stop =
      app.add_subcommand("stop", "Keep the autoscaler from acting until it is resumed");
  stop->add_flag("--release", options->release, "Put every limit back as well");
  stop->add_option("--why", options->why, "Repeated in the event");
  stop->callback([options, &exit_status] { exit_status = Stop(*options); });
  CLI::App* resume = app.add_subcommand("resume", "End `ballast stop`");
  resume->callback([options, &exit_status] { exit_status = Resume(*options); });
  for (CLI::App* command : {stop, resume})
    command->add_option("--state,--state-dir", options->state_dir, "The autoscaler's state folder");
}

}  // namespace ballast::cli

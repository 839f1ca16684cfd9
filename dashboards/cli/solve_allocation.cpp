#include "dashboards/cli/solve_allocation.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <CLI/Validators.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "collector/base/file.h"
#include "dashboards/cli/allocation_json.h"
#include "dashboards/cli/exit_status.h"

namespace ballast::cli {
namespace {

// A million containers in JSON are about 100 MB; more is not a host.
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 28;

struct Options {
  std::string file;
  std::string format = "json";
};

int Run(const Options& options) {
  const std::string name = options.file == "-" ? "standard input" : options.file;
  const auto text = ReadSmallFile(options.file == "-" ? "/dev/stdin" : options.file, kMaxFileBytes);
  if (!text) {
    fmt::print(stderr, "ballast: {}\n", text.error().ToString());
    return kBadInput;
  }
  const auto input = ParseAllocationInput(*text);
  if (!input) {
    fmt::print(stderr, "ballast: {}: {}\n", name, input.error().ToString());
    return kBadInput;
  }
  const auto start = std::chrono::steady_clock::now();
  const allocate::HostAllocation solved = allocate::Allocate(input->host);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.format == "json")
    fmt::print("{}\n", FormatAllocation(*input, solved, seconds));
  else
    fmt::print("{}", DescribeAllocation(*input, solved, seconds));
  if (solved.status == allocate::Status::kOptimal) return kSolved;
  fmt::print(stderr, "ballast: infeasible: {}\n", solved.explanation);
  return kInfeasible;
}

// What a library throws at us (memory, formatting) is our fault, not the user's.
int RunGuarded(const Options& options) {
  try {
    return Run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ballast: internal error: {}\n", error.what());
    return kInternalError;
  }
}

}  // namespace

void AddSolveAllocation(CLI::App& solve, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command = solve.add_subcommand("allocation", "What each container of one host gets");
  command->footer(
      "Input: "
      "{\"host\":{\"cpu\":CORES,\"memory\":BYTES},\"containers\":[{\"name\":\"a\",\"cpu\":2,"
      "\"memory\":1e9,\n"
      "\"weight\":1,\"priority\":0,\"min_cpu\":0,\"min_memory\":0,\"max_cpu\":4,\"max_memory\":2e9}"
      "]}; weight,\n"
      "priority, min_ and max_ may be absent. Further resources: host.resources, and resources,\n"
      "min_resources, max_resources of containers, objects of names and numbers. \"coupling\":\n"
      "\"dominant_share\" shares out resources in the proportion in which each container asks for "
      "them.");
  command->add_option("file", options->file, "JSON; - reads standard input")->required();
  command->add_option("--format", options->format, "json or text")
      ->check(CLI::IsMember({"json", "text"}));
  command->callback([options, &exit_status] { exit_status = RunGuarded(*options); });
}

}  // namespace ballast::cli

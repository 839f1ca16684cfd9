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
  const allocate::Allocation cpu = allocate::Allocate(input->cpu);
  const allocate::Allocation memory = allocate::Allocate(input->memory);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.format == "json")
    fmt::print("{}\n", FormatAllocation(*input, cpu, memory, seconds));
  else
    fmt::print("{}", DescribeAllocation(*input, cpu, memory, seconds));
  for (const auto& [resource, solved] : {std::pair{"cpu", &cpu}, std::pair{"memory", &memory}}) {
    if (solved->status == allocate::Status::kOptimal) continue;
    fmt::print(stderr, "ballast: infeasible: {}: {}\n", resource, solved->explanation);
    return kInfeasible;
  }
  return kSolved;
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
  command->add_option("file", options->file, "JSON; - reads standard input")->required();
  command->add_option("--format", options->format, "json or text")
      ->check(CLI::IsMember({"json", "text"}));
  command->callback([options, &exit_status] { exit_status = RunGuarded(*options); });
}

}  // namespace ballast::cli

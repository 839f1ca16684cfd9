#include "dashboards/cli/solve_consolidation.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <CLI/Validators.hpp>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "autoscaler/consolidate/read_problem.h"
#include "autoscaler/consolidate/solve.h"
#include "collector/base/file.h"
#include "dashboards/cli/exit_status.h"

namespace ballast::cli {
namespace {

namespace json = boost::json;
using consolidate::Problem;
using consolidate::Solution;
using consolidate::Status;

// A million VMs in JSON are about 100 MB; more is not an inventory.
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 29;

struct Options {
  std::string file;
  std::string format = "text";
  double time_limit_s = 30;
  std::int64_t work_limit = std::numeric_limits<std::int64_t>::max();
  std::uint64_t seed = 1;
  int threads = 1;
};

volatile std::sig_atomic_t g_interrupted = 0;
void OnInterrupt(int) {
  g_interrupted = 1;
}

const char* StatusName(Status status) {
  switch (status) {
    case Status::kOptimal:
      return "optimal";
    case Status::kFeasible:
      return "feasible";
    case Status::kInfeasible:
      return "infeasible";
    case Status::kUnknown:
      return "unknown";
  }
  return "unknown";
}

double InUnits(consolidate::Cost cost) {
  return static_cast<double>(cost) / static_cast<double>(consolidate::kCostScale);
}

json::value Number(double value) {
  // 12 hosts read as 12, not as 1.2E1.
  if (value == static_cast<double>(static_cast<std::int64_t>(value)))
    return static_cast<std::int64_t>(value);
  return value;
}

json::object ToJson(const Problem& problem, const Solution& solution, double seconds) {
  json::object out;
  out["status"] = StatusName(solution.status);
  out["hosts_used"] = solution.hosts_used;
  out["cost"] = Number(InUnits(solution.cost));
  out["lower_bound"] = Number(InUnits(solution.lower_bound));
  out["gap"] = Number(Gap(solution));
  out["bound_method"] = solution.bound_method;
  out["stop_reason"] = solution.stop_reason;
  out["work_units"] = solution.work_units;
  out["seconds"] = seconds;
  json::object placement;
  placement.reserve(solution.placement.size());
  json::array moves;
  for (std::size_t i = 0; i < solution.placement.size(); ++i) {
    const auto& vm = problem.vms[i];
    const std::string& host = problem.hosts[static_cast<std::size_t>(solution.placement[i])].name;
    placement[vm.name] = host;
    if (vm.current == consolidate::kNoHost || vm.current == solution.placement[i]) continue;
    moves.push_back({{"vm", vm.name},
                     {"from", problem.hosts[static_cast<std::size_t>(vm.current)].name},
                     {"to", host}});
  }
  out["placement"] = std::move(placement);
  out["moves"] = std::move(moves);
  return out;
}

std::string ToText(const Solution& solution, double seconds) {
  return fmt::format(
      "{}: {} hosts, cost {}, lower bound {} ({}), gap {:.3f} %\n"
      "{} moves, {} bytes migrated; stopped: {}, {} work units, {:.2f} s\n",
      StatusName(solution.status), solution.hosts_used, InUnits(solution.cost),
      InUnits(solution.lower_bound), solution.bound_method, 100 * Gap(solution), solution.moves,
      solution.migrated_bytes, solution.stop_reason, solution.work_units, seconds);
}

int Run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed_s = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const std::string path = options.file == "-" ? "/dev/stdin" : options.file;
  auto text = ReadSmallFile(path, kMaxFileBytes);
  if (!text) {
    fmt::print(stderr, "ballast: {}\n", text.error().ToString());
    return kBadInput;
  }
  auto problem = consolidate::ReadProblem(*text);
  if (!problem) {
    fmt::print(stderr, "ballast: {}: {}\n", options.file, problem.error().ToString());
    return kBadInput;
  }
  std::signal(SIGINT, OnInterrupt);
  consolidate::SolveOptions solve;
  solve.seed = options.seed;
  solve.work_limit = options.work_limit;
  solve.should_stop = [&] { return g_interrupted != 0 || elapsed_s() > options.time_limit_s; };
  const Solution solution = consolidate::Solve(*problem, solve);
  if (options.format == "json")
    fmt::print("{}\n", json::serialize(ToJson(*problem, solution, elapsed_s())));
  else
    fmt::print("{}", ToText(solution, elapsed_s()));
  if (solution.status == Status::kInfeasible || solution.status == Status::kUnknown) {
    fmt::print(stderr, "ballast: {}: {}\n", StatusName(solution.status), solution.reason);
    return kInfeasible;
  }
  return kSolved;
}

}  // namespace

void AddSolveConsolidation(CLI::App& solve, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command =
      solve.add_subcommand("consolidation", "The fewest hosts for the VMs, with a certified gap");
  command->add_option("file", options->file, "JSON or .vbp; - reads standard input")->required();
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--time-limit", options->time_limit_s, "Seconds; stops with the best so far")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--work-limit", options->work_limit, "Units; repeats on any machine")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options->seed, "Of the search");
  command->add_option("--threads", options->threads, "Never changes the answer")
      ->check(CLI::PositiveNumber);
  command->callback([options, &exit_status] { exit_status = Run(*options); });
}

}  // namespace ballast::cli

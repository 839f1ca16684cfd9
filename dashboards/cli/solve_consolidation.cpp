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
#include <thread>
#include <vector>

#include "autoscaler/consolidate/explain.h"
#include "autoscaler/consolidate/read_problem.h"
#include "autoscaler/consolidate/solve.h"
#include "collector/base/file.h"
#include "dashboards/cli/consolidation_metrics.h"
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
  std::string format = "json";
  double time_limit_s = 30;
  std::int64_t work_limit = std::numeric_limits<std::int64_t>::max();
  std::uint64_t seed = 1;
  int threads = 1;
  bool explain = false;
  bool pareto = false;
  std::string metrics;  // a file; empty: none
};

volatile std::sig_atomic_t g_interrupted = 0;
void OnInterrupt(int) {
  g_interrupted = 1;
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

json::array ExplanationToJson(const Problem& problem,
                              const std::vector<consolidate::HostReason>& hosts) {
  json::array out;
  for (const auto& reason : hosts)
    out.push_back(
        {{"host", problem.hosts[static_cast<std::size_t>(reason.host)].name}, {"why", reason.why}});
  return out;
}

json::value RunnerUp(const Problem& problem, const consolidate::VmReason& reason) {
  if (reason.runner_up == consolidate::kNoHost) return nullptr;
  return json::string(problem.hosts[static_cast<std::size_t>(reason.runner_up)].name);
}

void AddExplanation(const Problem& problem, const consolidate::Explanation& explanation,
                    json::object& out) {
  json::object block;
  block["hosts"] = ExplanationToJson(problem, explanation.hosts);
  json::array vms;
  for (const auto& reason : explanation.vms)
    vms.push_back({{"vm", problem.vms[static_cast<std::size_t>(reason.vm)].name},
                   {"why", reason.why},
                   {"runner_up", RunnerUp(problem, reason)},
                   {"runner_up_why", reason.runner_up_why}});
  block["vms"] = std::move(vms);
  block["one_host_less"] = explanation.one_host_less;
  out["explanation"] = std::move(block);
}

void PrintExplanation(const Problem& problem, const consolidate::Explanation& explanation) {
  for (const auto& reason : explanation.hosts)
    fmt::print("host {}: {}\n", problem.hosts[static_cast<std::size_t>(reason.host)].name,
               reason.why);
  for (const auto& reason : explanation.vms) {
    fmt::print("vm {}: {}", problem.vms[static_cast<std::size_t>(reason.vm)].name, reason.why);
    if (reason.runner_up != consolidate::kNoHost)
      fmt::print("; runner-up {}: {}",
                 problem.hosts[static_cast<std::size_t>(reason.runner_up)].name,
                 reason.runner_up_why);
    fmt::print("\n");
  }
  fmt::print("one host less: {}\n", explanation.one_host_less);
}

json::array ToJson(const std::vector<consolidate::TradeOff>& curve) {
  json::array out;
  for (const auto& point : curve)
    out.push_back({{"cost", Number(InUnits(point.cost))},
                   {"hosts_used", point.hosts_used},
                   {"moves", point.moves},
                   {"migrated_bytes", point.migrated_bytes}});
  return out;
}

void PrintPlacement(const Problem& problem, const Solution& solution) {
  for (std::size_t i = 0; i < solution.placement.size(); ++i) {
    const auto& vm = problem.vms[i];
    if (vm.current == consolidate::kNoHost || vm.current == solution.placement[i]) continue;
    fmt::print("move {}: {} -> {}\n", vm.name,
               problem.hosts[static_cast<std::size_t>(vm.current)].name,
               problem.hosts[static_cast<std::size_t>(solution.placement[i])].name);
  }
}

// Tasks on up to `threads` threads, made for each call: rounds are long enough.
void RunOnThreads(int threads, int tasks, const std::function<void(int)>& task) {
  std::atomic<int> next = 0;
  const auto work = [&] {
    for (int i; (i = next.fetch_add(1)) < tasks;) task(i);
  };
  std::vector<std::jthread> helpers;
  for (int i = 1; i < std::min(threads, tasks); ++i) helpers.emplace_back(work);
  work();
}

// One line a second at most, and each better incumbent of the first seconds.
class ProgressPrinter {
 public:
  void operator()(const consolidate::Progress& progress, double seconds) {
    if (seconds - last_s_ < 0.5) return;
    last_s_ = seconds;
    std::string incumbent = "none", gap = "-";
    if (progress.has_incumbent) {
      incumbent = fmt::format("{}", InUnits(progress.incumbent));
      if (progress.lower_bound > 0)
        gap = fmt::format("{:.3f} %",
                          100 * (InUnits(progress.incumbent) / InUnits(progress.lower_bound) - 1));
    }
    fmt::print(stderr, "{:7.1f} s  incumbent {}  bound {}  gap {}  ({})\n", seconds, incumbent,
               InUnits(progress.lower_bound), gap, progress.phase);
  }

 private:
  double last_s_ = 0;
};

// What to say besides the answer.
void Print(const Options& options, const Problem& problem, const Solution& solution,
           const consolidate::SolveOptions& solve, double seconds) {
  const bool is_json = options.format == "json";
  json::object out = ToJson(problem, solution, seconds);
  if (!is_json) fmt::print("{}", ToText(solution, seconds));
  const bool solved = !solution.placement.empty() || problem.vms.empty();
  if (solved && !is_json) PrintPlacement(problem, solution);
  if (solved && options.explain) {
    const auto explanation = consolidate::Explain(problem, solution);
    if (is_json)
      AddExplanation(problem, explanation, out);
    else
      PrintExplanation(problem, explanation);
  }
  if (solved && options.pareto) {
    consolidate::SolveOptions curve_options;
    curve_options.work_limit = solve.work_limit;
    curve_options.should_stop = [] { return g_interrupted != 0; };
    const auto curve = consolidate::TradeOffs(problem, solution, curve_options);
    if (is_json) out["pareto"] = ToJson(curve);
    for (const auto& point : curve)
      if (!is_json)
        fmt::print("trade-off: cost {}, {} hosts, {} moves, {} bytes migrated\n",
                   InUnits(point.cost), point.hosts_used, point.moves, point.migrated_bytes);
  }
  if (is_json) fmt::print("{}\n", json::serialize(out));
}

std::string Reason(const Problem& problem, const Solution& solution) {
  std::string reason = solution.reason;
  for (std::size_t i = 0; i < solution.culprits.size() && i < 20; ++i)
    reason += fmt::format("{}{}", i == 0 ? "; cannot be placed together: " : ", ",
                          problem.vms[static_cast<std::size_t>(solution.culprits[i])].name);
  return reason;
}

// Readers see the old file or the new one.
Result<> WriteMetrics(const Options& options, const Problem& problem, const Solution& solution,
                      double seconds) {
  if (options.metrics.empty()) return Ok();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  // Others read it: an exporter runs as its own user.
  return ReplaceFile(
      options.metrics,
      ConsolidationMetrics(problem, solution, seconds, std::chrono::duration<double>(now).count()),
      0644);
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
  ProgressPrinter printer;
  solve.on_progress = [&](const consolidate::Progress& progress) {
    printer(progress, elapsed_s());
  };
  if (options.threads > 1)
    solve.run_tasks = [&](int tasks, const std::function<void(int)>& task) {
      RunOnThreads(options.threads, tasks, task);
    };
  const Solution solution = consolidate::Solve(*problem, solve);
  Print(options, *problem, solution, solve, elapsed_s());
  if (const auto written = WriteMetrics(options, *problem, solution, elapsed_s()); !written) {
    fmt::print(stderr, "ballast: --metrics: {}\n", written.error().ToString());
    return kBadInput;
  }
  if (solution.status == Status::kInfeasible || solution.status == Status::kUnknown) {
    fmt::print(stderr, "ballast: {}: {}\n", StatusName(solution.status),
               Reason(*problem, solution));
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
  command->add_option("--format", options->format, "json or text")
      ->check(CLI::IsMember({"json", "text"}));
  command->add_option("--time-limit", options->time_limit_s, "Seconds; stops with the best so far")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--work-limit", options->work_limit, "Units; repeats on any machine")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options->seed, "Of the search");
  command->add_option("--threads", options->threads, "Never changes the answer")
      ->check(CLI::PositiveNumber);
  command->add_flag("--explain", options->explain, "Why each host is on and each VM where it is");
  command->add_flag("--pareto", options->pareto, "The curve of cost against migrated bytes");
  command->add_option("--metrics", options->metrics,
                      "File for Prometheus, written in one step: hosts, lower bound, gap, moves");
  command->callback([options, &exit_status] { exit_status = Run(*options); });
}

}  // namespace ballast::cli

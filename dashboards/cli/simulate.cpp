#include "dashboards/cli/simulate.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <CLI/Validators.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <ranges>
#include <string>

#include "autoscaler/simulate/run.h"
#include "autoscaler/simulate/synthetic.h"
#include "collector/base/file.h"
#include "collector/base/log.h"
#include "dashboards/cli/exit_status.h"
#include "dashboards/cli/frontier_plot.h"

namespace ballast::cli {
namespace {

using simulate::Estimate;
using simulate::RunOptions;
using simulate::Summary;
using simulate::Trace;

struct Options {
  std::string traces;
  std::string history;
  std::string policy = "ballast";
  int hosts = 1;
  int agents = 64;
  double host_cpu = 32;
  double host_memory = 0;
  double hours = 1;
  std::uint64_t seed = 1;
  int seeds = 3;
  double generosity = 1;
  double lend_seconds = 1;
  double rise_seconds = 0;
  bool no_tools = false;
  bool density = false;
  std::string frontier;
  std::string format = "json";
};

// What was asked about one policy, answered.
struct Answer {
  Summary summary;
  int agents_per_host = 0;
  bool searched = false;
  double seconds = 0;  // of CPU
};

// Where no host is given: what the static limit needs for a fifth of the agents, so that
// five times its density is the question.
double DefaultHostMemory(const RunOptions& options, const std::vector<Trace>& traces) {
  RunOptions fixed = options;
  fixed.policy = "static-peak";
  fixed.seeds = 1;
  fixed.policy_options.hours = 0.001;
  const auto summary = simulate::Run(fixed, traces);
  return summary ? summary->peak_reserved_bytes / 5 : 0;
}

RunOptions ToRunOptions(const Options& options, const std::vector<Trace>& history) {
  RunOptions run;
  run.hosts = options.hosts;
  run.seeds = options.seeds;
  run.policy_options.history = &history;
  run.policy_options.hours = options.hours;
  run.policy_options.generosity = options.generosity;
  run.policy_options.learn_tools = !options.no_tools;
  run.policy_options.host.agents = options.agents;
  run.policy_options.host.cpu_cores = options.host_cpu;
  run.policy_options.host.seed = options.seed;
  run.policy_options.host.lend_seconds = options.lend_seconds;
  run.policy_options.host.rise_seconds = options.rise_seconds;
  if (options.host_memory > 0) run.policy_options.host.memory_bytes = options.host_memory;
  return run;
}

// How many agents a host holds: by closed-loop runs of more and more agents (`--density`), else
// from this run: as many as its memory holds of what was reserved at most per agent.
Result<> AddDensity(const Options& options, RunOptions run, const std::vector<Trace>& traces,
                    double memory, Answer& answer) {
  answer.searched = options.density;
  if (!options.density) {
    const double each = answer.summary.peak_reserved_bytes / options.agents;
    answer.agents_per_host = each > 0 ? static_cast<int>(memory / each) : 0;
    return Ok();
  }
  // What a larger fleet needs is asked on the host it would need to fit into.
  RunOptions fixed = run;
  fixed.policy = "static-peak";
  BALLAST_TRY(const Summary allowed, simulate::Run(fixed, traces), "static-peak");
  run.policy_options.host.memory_bytes = memory;
  // CPU is not what limits density; each agent brings what it has in the plain run.
  run.policy_options.host.cpu_cores = std::max(options.host_cpu, 1e4);
  BALLAST_TRY(answer.agents_per_host,
              simulate::AgentsPerHost(run, traces, memory, allowed.violated_share.mean), "density");
  return Ok();
}

boost::json::object ToJson(const Estimate& estimate) {
  return {{"low", estimate.mean - estimate.half_width},
          {"high", estimate.mean + estimate.half_width}};
}

boost::json::object ToJson(const Options& options, double memory, const Answer& answer) {
  const Summary& s = answer.summary;
  boost::json::object json;
  json["policy"] = s.policy;
  boost::json::object intervals;
  const auto add = [&](const char* name, const Estimate& estimate) {
    json[name] = estimate.mean;
    intervals[name] = ToJson(estimate);
  };
  add("slack", s.slack);
  add("slack_of_peak_reservation", s.slack_of_peak);
  json["tasks"] = s.tasks;
  add("tasks_violated_share", s.violated_share);
  add("oom_kills_per_1000_task_hours", s.oom_kills_per_1000_task_hours);
  add("throttled_seconds", s.throttled_seconds);
  add("memory_waited_seconds", s.memory_waited_seconds);
  add("resizes_per_task_hour", s.resizes_per_task_hour);
  add("slowdown", s.slowdown);
  json["agents_per_host"] = answer.agents_per_host;
  json["agents_per_host_by"] = answer.searched ? "search" : "largest reservation";
  json["confidence_95"] = std::move(intervals);
  json["task_hours"] = s.task_hours;
  json["mean_used_bytes"] = s.mean_used_bytes;
  json["mean_reserved_bytes"] = s.mean_reserved_bytes;
  json["peak_reserved_bytes"] = s.peak_reserved_bytes;
  json["hosts"] = options.hosts;
  json["agents"] = options.agents;
  json["host_memory_bytes"] = memory;
  json["seed"] = options.seed;
  json["seeds"] = options.seeds;
  json["cpu_seconds"] = answer.seconds;
  return json;
}

std::string Interval(const Estimate& estimate, double scale, int digits) {
  return fmt::format("{:.{}f} ±{:.{}f}", estimate.mean * scale, digits, estimate.half_width * scale,
                     digits);
}

void PrintText(const std::vector<Answer>& answers) {
  fmt::print("{:<23} {:>13} {:>13} {:>13} {:>14} {:>15} {:>13} {:>13} {:>9} {:>7}\n", "policy",
             "slack %", "of peak %", "violated %", "OOM/1000 h", "throttled s", "waited s",
             "resizes/h", "slowdown", "agents");
  for (const Answer& answer : answers) {
    const Summary& s = answer.summary;
    fmt::print("{:<23} {:>14} {:>14} {:>14} {:>15} {:>16} {:>14} {:>14} {:>9.4f} {:>7}\n", s.policy,
               Interval(s.slack, 100, 1), Interval(s.slack_of_peak, 100, 1),
               Interval(s.violated_share, 100, 2), Interval(s.oom_kills_per_1000_task_hours, 1, 1),
               Interval(s.throttled_seconds, 1, 0), Interval(s.memory_waited_seconds, 1, 1),
               Interval(s.resizes_per_task_hour, 1, 0), s.slowdown.mean, answer.agents_per_host);
  }
}

double CpuSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

Result<std::vector<Answer>> Answers(const Options& options, const std::vector<Trace>& traces,
                                    const std::vector<Trace>& history, double& memory) {
  const RunOptions run = ToRunOptions(options, history);
  memory = options.host_memory > 0 ? options.host_memory : DefaultHostMemory(run, traces);
  std::vector<Answer> answers;
  for (const simulate::PolicyInfo& info : simulate::AllPolicies()) {
    if (options.policy != "all" && options.policy != info.name) continue;
    RunOptions one = run;
    one.policy = std::string(info.name);
    Answer answer;
    const double begin = CpuSeconds();
    BALLAST_TRY(answer.summary, simulate::Run(one, traces), one.policy);
    BALLAST_TRY_DO(AddDensity(options, one, traces, memory, answer), one.policy);
    answer.seconds = CpuSeconds() - begin;
    answers.push_back(std::move(answer));
  }
  if (!answers.empty()) return answers;
  // For the sentence that names them.
  BALLAST_TRY_DO(simulate::MakePolicy(options.policy, run.policy_options, traces), "--policy");
  return answers;
}

Result<> CheckNumbers(const Options& options) {
  // A run is agents * hosts * steps long.
  const double steps = options.hours * 36'000;
  if (!std::isfinite(steps) || steps < 1 || steps > 36'000.0 * 24 * 366)
    return Error::Invalid("--hours must be above 0.0001 and at most a year");
  if (!std::isfinite(options.host_memory) || options.host_memory < 0)
    return Error::Invalid("--host-memory must be a number of bytes");
  return Ok();
}

Result<> DrawFrontier(const Options& options, const std::vector<Trace>& traces,
                      const std::vector<Trace>& history) {
  RunOptions run = ToRunOptions(options, history);
  std::vector<Curve> curves;
  for (const simulate::PolicyInfo& info : simulate::AllPolicies()) {
    if (info.name.ends_with("-no-tools")) continue;  // hardly beside the same with them
    Curve curve{std::string(info.name), {}};
    for (const double generosity : {0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 3.0}) {
      run.policy = curve.name;
      run.policy_options.generosity = generosity * options.generosity;
      BALLAST_TRY(const Summary summary, simulate::Run(run, traces), curve.name);
      curve.points.push_back({summary.slack.mean, summary.violated_share.mean,
                              summary.slack.half_width, summary.violated_share.half_width,
                              generosity == 1.0});
    }
    std::fprintf(stderr, "ballast: frontier: %s done\n", curve.name.c_str());
    curves.push_back(std::move(curve));
  }
  return ReplaceFile(options.frontier, FrontierSvg(curves), 0644);
}

int Fail(const Error& error) {
  fmt::print(stderr, "ballast: {}\n", error.ToString());
  return kBadInput;
}

// "synthetic", "synthetic:SCALE" and "synthetic:FAMILY" are no folders but made here.
Result<std::vector<Trace>> Read(const std::string& where, std::uint64_t seed) {
  constexpr std::string_view kSynthetic = "synthetic";
  const bool made = where == kSynthetic || where.starts_with("synthetic:");
  if (!made) return simulate::ReadTraces(where);
  simulate::SyntheticOptions options{.count = 100};
  if (where != kSynthetic) {
    const std::string which = where.substr(kSynthetic.size() + 1);
    char* end = nullptr;
    const double scale = std::strtod(which.c_str(), &end);
    if (const auto family = simulate::FindSyntheticFamily(which))
      options = *family;
    else if (!which.empty() && *end == '\0' && scale > 0 && scale <= 100)
      options.burst_scale = scale;
    else
      return Error::Invalid(
          fmt::format("{}: neither a scale above 0 and up to 100 nor one of {}", where,
                      fmt::join(simulate::SyntheticFamilies() |
                                    std::views::transform(&simulate::SyntheticFamily::name),
                                ", ")));
  }
  options.seed = seed;
  return simulate::MakeSynthetic(options);
}

int RunCommand(const Options& options) {
  // The loop says every decision it carries out; here that is millions of lines.
  SetLogLevel(LogLevel::kError);
  if (auto checked = CheckNumbers(options); !checked) return Fail(checked.error());
  const auto traces = Read(options.traces, options.seed);
  if (!traces) return Fail(traces.error());
  const auto history =
      Read(options.history.empty() ? options.traces : options.history, options.seed);
  if (!history) return Fail(history.error());
  if (!options.frontier.empty()) {
    const auto drawn = DrawFrontier(options, *traces, *history);
    return drawn ? kSolved : Fail(drawn.error());
  }
  double memory = 0;
  const auto answers = Answers(options, *traces, *history, memory);
  if (!answers) return Fail(answers.error());
  if (options.format == "text") {
    PrintText(*answers);
    return kSolved;
  }
  boost::json::array all;
  for (const Answer& answer : *answers) all.push_back(ToJson(options, memory, answer));
  fmt::print("{}\n", options.policy == "all" ? boost::json::serialize(all)
                                             : boost::json::serialize(all.front()));
  return kSolved;
}

// What a library throws at us (memory, formatting) is our fault, not the user's.
int RunGuarded(const Options& options) {
  try {
    return RunCommand(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ballast: internal error: {}\n", error.what());
    return kInternalError;
  }
}

}  // namespace

void AddSimulate(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command =
      app.add_subcommand("simulate", "A policy closed-loop on traces: slack, violations, density");
  command
      ->add_option(
          "--traces", options->traces,
          "Folder of NAME.csv and NAME.tools.csv; synthetic[:SCALE|:FAMILY] makes some, with "
          "bursts SCALE times as large, or of another kind (\"synthetic:?\" names them)")
      ->required();
  command->add_option("--history", options->history,
                      "Traces that were known before; absent: the same as --traces");
  command->add_option("--policy", options->policy,
                      "static-peak, static-request, vpa, autopilot, reactive, oracle-peak, "
                      "oracle-pool, ballast-limits, ballast, the last two with -no-tools, or all");
  command->add_option("--hosts", options->hosts, "Hosts, each with its own agents")
      ->check(CLI::Range(1, 10'000));
  command->add_option("--agents", options->agents, "Agents per host")->check(CLI::Range(1, 20'000));
  command->add_option("--host-cpu", options->host_cpu, "Cores of a host")
      ->check(CLI::Range(0.01, 1e5));
  command->add_option("--host-memory", options->host_memory, "Bytes of a host; 0: as it needs");
  command->add_option("--hours", options->hours, "Simulated time");
  command->add_option("--seed", options->seed, "First seed");
  command->add_option("--seeds", options->seeds, "Runs, for the confidence intervals")
      ->check(CLI::Range(1, 1000));
  command->add_option("--generosity", options->generosity, "What a policy sets aside, times this")
      ->check(CLI::Range(0.01, 100.0));
  command
      ->add_option("--lend-seconds", options->lend_seconds,
                   "How long a pool waits for memory that it had not reserved")
      ->check(CLI::Range(0.0, 60.0));
  command
      ->add_option("--rise-seconds", options->rise_seconds,
                   "Memory rises within so long before a sample; 0: evenly between two")
      ->check(CLI::Range(0.0, 60.0));
  command->add_flag("--no-tools", options->no_tools, "ballast: tool calls predict nothing");
  command->add_flag("--density", options->density, "Search agents_per_host by closed-loop runs");
  command->add_option("--frontier", options->frontier,
                      "Draw slack against violations of every policy into this SVG");
  command->add_option("--format", options->format, "json or text")
      ->check(CLI::IsMember({"json", "text"}));
  command->callback([options, &exit_status] { exit_status = RunGuarded(*options); });
}

}  // namespace ballast::cli

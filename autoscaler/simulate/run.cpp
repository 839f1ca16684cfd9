#include "autoscaler/simulate/run.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ballast::simulate {
namespace {

// One seed, all hosts.
struct Measured {
  Host::Totals totals;
  double task_hours = 0;
  double used_byte_steps = 0;
  double reserved_byte_steps = 0;
  double peak_reserved = 0;  // sum of the hosts' peaks
  double largest_host = 0;
  std::uint64_t steps = 0;
};

void Add(Host::Totals& sum, const Host::Totals& one) {
  sum.tasks += one.tasks;
  sum.tasks_violated += one.tasks_violated;
  sum.oom_kills += one.oom_kills;
  sum.finished += one.finished;
  sum.resizes += one.resizes;
  sum.throttled_seconds += one.throttled_seconds;
  sum.memory_waited_seconds += one.memory_waited_seconds;
  sum.finished_seconds += one.finished_seconds;
  sum.finished_trace_seconds += one.finished_trace_seconds;
}

Result<> RunHost(const std::string& name, const PolicyOptions& options,
                 const std::vector<Trace>& traces, Measured& measured) {
  BALLAST_TRY(const auto policy, MakePolicy(name, options, traces), "policy");
  Host host(options.host, traces);
  for (int slot = 0; slot < options.host.agents; ++slot)
    host.SetFirstLimits(slot, policy->FirstLimits(host, slot));
  double peak = 0;
  while (host.now() < options.hours * 3600) {
    host.Step();
    // Acting may kill, and then more are born.
    std::size_t greeted = 0;
    const auto greet = [&] {
      for (; greeted < host.born().size(); ++greeted) {
        const int slot = host.born()[greeted];
        host.SetFirstLimits(slot, policy->FirstLimits(host, slot));
      }
    };
    greet();
    policy->Act(host);
    greet();
    const double reserved = policy->Reserved(host);
    measured.used_byte_steps += host.used_bytes();
    measured.reserved_byte_steps += reserved;
    peak = std::max(peak, reserved);
    ++measured.steps;
  }
  Add(measured.totals, host.totals());
  measured.peak_reserved += peak;
  measured.largest_host = std::max(measured.largest_host, peak);
  measured.task_hours += options.host.agents * host.now() / 3600;
  return Ok();
}

// Two-sided 95 % of Student's t by degrees of freedom from 1; beyond the table the normal's.
constexpr std::array<double, 20> kStudent95 = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                                               2.306,  2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
                                               2.131,  2.120, 2.110, 2.101, 2.093, 2.086};

Estimate EstimateOf(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  Estimate estimate;
  for (const double value : values) estimate.mean += value / count;
  if (values.size() < 2) return estimate;
  double squares = 0;
  for (const double value : values) squares += (value - estimate.mean) * (value - estimate.mean);
  const std::size_t freedom = values.size() - 1;
  const double t = freedom <= kStudent95.size() ? kStudent95[freedom - 1] : 1.96;
  estimate.half_width = t * std::sqrt(squares / static_cast<double>(freedom) / count);
  return estimate;
}

template <typename Value>
Estimate Over(const std::vector<Measured>& runs, Value value) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const Measured& run : runs) values.push_back(value(run));
  return EstimateOf(values);
}

// Where nothing is reserved, nothing of it is idle.
double SlackOf(double used, double reserved) {
  return reserved > 0 ? 1 - used / reserved : 0;
}

Summary Summarise(const RunOptions& options, const std::vector<Measured>& runs) {
  Summary summary;
  summary.policy = options.policy;
  summary.seeds = options.seeds;
  const auto count = static_cast<double>(runs.size());
  for (const Measured& run : runs) {
    const auto steps = static_cast<double>(run.steps) / options.hosts;
    summary.tasks += run.totals.tasks;
    summary.task_hours += run.task_hours;
    summary.mean_used_bytes += run.used_byte_steps / steps / count;
    summary.mean_reserved_bytes += run.reserved_byte_steps / steps / count;
    summary.peak_reserved_bytes = std::max(summary.peak_reserved_bytes, run.largest_host);
  }
  summary.slack = Over(runs, [](const Measured& run) {
    return SlackOf(run.used_byte_steps, run.reserved_byte_steps);
  });
  summary.slack_of_peak = Over(runs, [&](const Measured& run) {
    return SlackOf(run.used_byte_steps / (static_cast<double>(run.steps) / options.hosts),
                   run.peak_reserved);
  });
  summary.violated_share = Over(runs, [](const Measured& run) {
    return static_cast<double>(run.totals.tasks_violated) / static_cast<double>(run.totals.tasks);
  });
  summary.oom_kills_per_1000_task_hours = Over(runs, [](const Measured& run) {
    return 1000 * static_cast<double>(run.totals.oom_kills) / run.task_hours;
  });
  summary.throttled_seconds =
      Over(runs, [](const Measured& run) { return run.totals.throttled_seconds; });
  summary.memory_waited_seconds =
      Over(runs, [](const Measured& run) { return run.totals.memory_waited_seconds; });
  summary.resizes_per_task_hour = Over(runs, [](const Measured& run) {
    return static_cast<double>(run.totals.resizes) / run.task_hours;
  });
  summary.slowdown = Over(runs, [](const Measured& run) {
    return run.totals.finished == 0
               ? 1.0
               : run.totals.finished_seconds / run.totals.finished_trace_seconds;
  });
  return summary;
}

}  // namespace

Result<Summary> Run(const RunOptions& options, const std::vector<Trace>& traces) {
  std::vector<Measured> runs;
  for (int seed = 0; seed < options.seeds; ++seed) {
    Measured measured;
    for (int host = 0; host < options.hosts; ++host) {
      PolicyOptions one = options.policy_options;
      // Hosts and seeds draw from streams that cannot meet.
      one.host.seed = (one.host.seed + static_cast<std::uint64_t>(seed)) * 1'000'003 +
                      static_cast<std::uint64_t>(host);
      BALLAST_TRY_DO(RunHost(options.policy, one, traces, measured), "simulate");
    }
    runs.push_back(measured);
  }
  return Summarise(options, runs);
}

Result<int> AgentsPerHost(const RunOptions& options, const std::vector<Trace>& traces,
                          double memory_bytes, double violated_share) {
  RunOptions probe = options;
  probe.hosts = 1;
  const auto fits = [&](int agents) -> Result<bool> {
    probe.policy_options.host.agents = agents;
    BALLAST_TRY(const Summary summary, Run(probe, traces), "density");
    return summary.peak_reserved_bytes <= memory_bytes &&
           summary.violated_share.mean <= violated_share;
  };
  int fit = 0;
  int no_fit = options.policy_options.host.agents;
  while (true) {
    BALLAST_TRY(const bool ok, fits(no_fit), "double");
    if (!ok || no_fit >= 1 << 14) break;
    fit = no_fit;
    no_fit *= 2;
  }
  // To two in a hundred: a finer answer would tell of the seed.
  while (no_fit - fit > std::max(1, fit / 50)) {
    const int middle = fit + (no_fit - fit) / 2;
    BALLAST_TRY(const bool ok, fits(middle), "halve");
    (ok ? fit : no_fit) = middle;
  }
  return fit;
}

}  // namespace ballast::simulate

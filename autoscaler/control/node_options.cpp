#include "autoscaler/control/node_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autoscaler/actuate/actuator.h"

namespace ballast::control {
namespace {

Result<> CheckShare(const char* name, double value) {
  if (std::isfinite(value) && value >= 0 && value < 1) return Ok();
  return Error::Invalid(fmt::format("{}: {} is no share; use 0 to below 1", name, value));
}

// "/" and "" would mean every cgroup of the host, the autoscaler's own included.
Result<> CheckPrefix(const char* name, const std::string& prefix) {
  if (actuate::IsBelow(prefix, prefix)) return Ok();
  return Error::Invalid(fmt::format(
      "{}: '{}' must name a cgroup below the root, like /docker or /machine.slice", name, prefix));
}

Result<> CheckRule(const WorkloadRule& rule) {
  const std::string name = rule.prefix.empty() ? "defaults" : "rule " + rule.prefix;
  if (rule.min_cpu < 0 || rule.min_memory < 0)
    return Error::Invalid(name + ": minimums may not be negative");
  if (rule.max_cpu && *rule.max_cpu < std::max<std::int64_t>(rule.min_cpu, 1))
    return Error::Invalid(name + ": max_cpu is below min_cpu");
  if (rule.max_memory && *rule.max_memory < std::max<std::int64_t>(rule.min_memory, 1))
    return Error::Invalid(name + ": max_memory is below min_memory");
  if (!std::isfinite(rule.weight) || rule.weight <= 0)
    return Error::Invalid(name + ": weight must be above 0");
  return Ok();
}

}  // namespace

const char* ToString(Mode mode) {
  switch (mode) {
    case Mode::kObserve:
      return "observe";
    case Mode::kRecommend:
      return "recommend";
    case Mode::kAuto:
      return "auto";
  }
  return "unknown";
}

Result<Mode> ParseMode(std::string_view name) {
  for (const Mode mode : {Mode::kObserve, Mode::kRecommend, Mode::kAuto})
    if (name == ToString(mode)) return mode;
  return Error::Invalid(fmt::format("mode '{}': use observe, recommend or auto", name));
}

Result<> Check(const NodeOptions& options) {
  BALLAST_TRY_DO(CheckShare("cpu_reserve", options.cpu_reserve), "options");
  BALLAST_TRY_DO(CheckShare("memory_reserve", options.memory_reserve), "options");
  BALLAST_TRY_DO(CheckShare("degrade_reserve", options.degrade.reserve), "options");
  BALLAST_TRY_DO(CheckRule(options.defaults), "options");
  for (const WorkloadRule& rule : options.rules) {
    BALLAST_TRY_DO(CheckPrefix("rule", rule.prefix), "options");
    BALLAST_TRY_DO(CheckRule(rule), "options");
  }
  for (const std::string& prefix : options.auto_prefixes)
    BALLAST_TRY_DO(CheckPrefix("auto prefix", prefix), "options");
  if (options.mode == Mode::kAuto && options.auto_prefixes.empty())
    return Error::Invalid("mode auto needs at least one prefix of cgroups it may change");
  if (options.shared_pool) {
    const std::string& parent = options.shared_pool->parent;
    BALLAST_TRY_DO(CheckPrefix("shared_pool", parent), "options");
    const bool says_so = std::ranges::any_of(options.rules, [&](const WorkloadRule& rule) {
      return rule.mode && actuate::IsBelow(parent, rule.prefix);
    });
    if (options.mode == Mode::kAuto && !says_so && ModeFor(options, parent) != Mode::kAuto)
      return Error::Invalid(fmt::format(
          "shared_pool: '{}' is below no auto prefix, so its limit may not be written", parent));
  }
  if (options.memory_pool && *options.memory_pool <= 0)
    return Error::Invalid("memory_pool must be above 0");
  return Ok();
}

const WorkloadRule& RuleFor(const NodeOptions& options, std::string_view path) {
  const WorkloadRule* best = &options.defaults;
  for (const WorkloadRule& rule : options.rules)
    if (actuate::IsBelow(path, rule.prefix) && rule.prefix.size() > best->prefix.size())
      best = &rule;
  return *best;
}

Mode ModeFor(const NodeOptions& options, std::string_view path) {
  Mode mode = options.mode == Mode::kAuto ? Mode::kRecommend : options.mode;
  std::size_t longest = 0;
  if (options.mode == Mode::kAuto)
    for (const std::string& prefix : options.auto_prefixes)
      if (actuate::IsBelow(path, prefix) && prefix.size() > longest) {
        longest = prefix.size();
        mode = Mode::kAuto;
      }
  for (const WorkloadRule& rule : options.rules)
    if (rule.mode && actuate::IsBelow(path, rule.prefix) && rule.prefix.size() >= longest) {
      longest = rule.prefix.size();
      mode = *rule.mode;
    }
  return mode;
}

}  // namespace ballast::control

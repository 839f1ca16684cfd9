#pragma once

// Who sets the limits. A policy sees what a monitor would see of the host, never
// the future (oracles are given the traces when they are made, and say so in
// their names).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/simulate/host.h"
#include "collector/base/result.h"

namespace ballast::simulate {

class Policy {
 public:
  virtual ~Policy() = default;
  // A task begins in this slot: its limits before the first instruction.
  virtual Limits FirstLimits(const Host& host, int slot) = 0;
  // After every step.
  virtual void Act(Host& host) = 0;
  // What is set aside for the fleet now: guarantees and the shared pool. The sum
  // of the memory limits, where each agent's limit is its reservation.
  virtual double Reserved(const Host& host) const;
};

struct PolicyOptions {
  // What a user could know before: quantiles of these are the static limits, and
  // the baselines that learn have learned them. Oracles know them, too.
  const std::vector<Trace>* history = nullptr;
  HostOptions host;
  double hours = 1;
  // What the policy sets aside, times this: the frontier's knob. Limits for the
  // per-agent policies, what stands above use for the pooled ones.
  double generosity = 1;
  bool learn_tools = true;  // ballast: tool calls predict bursts
};

struct PolicyInfo {
  std::string_view name;
  std::string_view rule;  // one line
};
// In the order of every table: baselines, oracles, then our own.
const std::vector<PolicyInfo>& AllPolicies();

// The error names the policies there are.
Result<std::unique_ptr<Policy>> MakePolicy(std::string_view name, const PolicyOptions& options,
                                           const std::vector<Trace>& traces);

}  // namespace ballast::simulate

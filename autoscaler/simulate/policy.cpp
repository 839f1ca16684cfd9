#include "autoscaler/simulate/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/simulate/autopilot_policy.h"
#include "autoscaler/simulate/fixed_policies.h"
#include "autoscaler/simulate/node_policy.h"
#include "autoscaler/simulate/reactive_policy.h"
#include "autoscaler/simulate/vpa_policy.h"

namespace ballast::simulate {
namespace {

using Make = std::unique_ptr<Policy> (*)(const PolicyOptions&, const std::vector<Trace>&);

template <auto kMake>
std::unique_ptr<Policy> WithoutTraces(const PolicyOptions& options, const std::vector<Trace>&) {
  return kMake(options);
}

struct Row {
  PolicyInfo info;
  Make make;
};

const std::vector<Row>& Table() {
  static const std::vector<Row> table = {
      {{"static-peak", "limit = P99 of task peaks + 15 %"}, WithoutTraces<MakeStaticPeak>},
      {{"static-request", "request = P95 of samples, limit = static-peak (Burstable)"},
       WithoutTraces<MakeStaticRequest>},
      {{"vpa", "Vertical Pod Autoscaler, in place"}, WithoutTraces<MakeVpa>},
      {{"autopilot", "moving windows, ensemble by regret"}, WithoutTraces<MakeAutopilot>},
      {{"reactive", "every second: 1.15 * use + 100 MB"}, WithoutTraces<MakeReactive>},
      {{"oracle-peak", "each task's own peak"}, WithoutTraces<MakeOraclePeak>},
      {{"oracle-pool", "one pool, the highest sum there will be"}, MakeOraclePool},
      {{"ballast-limits", "the node loop, one limit per workload"},
       WithoutTraces<MakeBallastLimits>},
      {{"ballast", "the node loop, one shared pool"}, WithoutTraces<MakeBallast>},
      {{"ballast-no-tools", "the same, tool calls predict nothing"},
       WithoutTraces<MakeBallastNoTools>},
      {{"ballast-limits-no-tools", "limits, tool calls predict nothing"},
       WithoutTraces<MakeBallastLimitsNoTools>},
  };
  return table;
}

}  // namespace

const std::vector<PolicyInfo>& AllPolicies() {
  static const std::vector<PolicyInfo> infos = [] {
    std::vector<PolicyInfo> list;
    for (const Row& row : Table()) list.push_back(row.info);
    return list;
  }();
  return infos;
}

Result<std::unique_ptr<Policy>> MakePolicy(std::string_view name, const PolicyOptions& options,
                                           const std::vector<Trace>& traces) {
  std::string names;
  for (const Row& row : Table()) {
    if (row.info.name == name) {
      PolicyOptions known = options;
      if (known.history == nullptr) known.history = &traces;
      return row.make(known, traces);
    }
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.info.name);
  }
  return Error::Invalid(fmt::format("no policy is called '{}'; there are {}", name, names));
}

}  // namespace ballast::simulate

#pragma once

// What the node loop may do and how. Plain values; main.cpp fills them from the
// command line and the configuration file, `Check` says what is wrong with them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/allocate/host.h"
#include "autoscaler/forecast/decaying_peak.h"
#include "autoscaler/forecast/pooled_demand.h"
#include "autoscaler/guard/degrader.h"
#include "autoscaler/guard/node_guards.h"
#include "collector/base/result.h"

namespace ballast::control {

enum class Mode {
  kObserve,    // decides nothing aloud
  kRecommend,  // says what it would do
  kAuto,       // does it, below the prefixes it was given
};
const char* ToString(Mode mode);
Result<Mode> ParseMode(std::string_view name);

// Rights of the workloads below a prefix. Millicores and bytes.
struct WorkloadRule {
  std::string prefix;  // empty: the defaults
  std::int64_t min_cpu = 50;
  std::int64_t min_memory = std::int64_t{16} << 20;
  std::optional<std::int64_t> max_cpu = std::nullopt;     // absent: the host's capacity
  std::optional<std::int64_t> max_memory = std::nullopt;  // absent: the host's capacity
  double weight = 1;
  bool set_weight = false;  // write cpu.weight / cpu.shares as well
  int priority = 0;
  std::optional<std::int64_t> max_io_bytes_per_second = std::nullopt;  // absent: as it is set
  // auto: written below this prefix even where no auto prefix is; the others: never. Absent: as the
  // next shorter prefix says, in the end NodeOptions::mode.
  std::optional<Mode> mode = std::nullopt;
};

// Growth headroom: what a limit stands above the allocation while the host has
// room, so that an idle host throttles nobody needlessly.
struct HeadroomOptions {
  double share = 1.0;      // of the allocation
  std::int64_t least = 0;  // and at least this
  // CPU alone, instead of the above: everybody may take the whole host while what all want fits,
  // and on a full host what the others leave, and never less than one CPU and twice its fair share.
  // The kernel's weights divide what all want at once, so nobody loses by it, and a burst is not
  // throttled before the loop has seen it. Quotas are then bounds for who runs away.
  bool shared = false;
};

// One pool of memory for all workloads below `parent` (DESIGN: memory bursts outrun any loop, so
// the kernel does the pooling): the parent's limit is what all need together, and each
// workload's own limit leaves it all that is free, until the host has no more to give.
struct SharedPoolOptions {
  std::string parent;  // cgroup path; the workloads are its children
  forecast::PooledDemandOptions forecast;
  guard::GuardOptions guards{.shrink_hold = std::chrono::milliseconds(0),
                             .shrink_step = 0.10,
                             .shrink_interval = std::chrono::milliseconds(5000),
                             .use_margin = 0.01,
                             .use_margin_least = std::int64_t{8} << 20,
                             .deadband = 0.01,
                             .deadband_least = std::int64_t{8} << 20};
};

struct NodeOptions {
  // Affects decisions.
  Mode mode = Mode::kRecommend;
  std::vector<std::string> auto_prefixes;  // nothing else is ever written, rules of mode auto apart
  WorkloadRule defaults;
  std::vector<WorkloadRule> rules;  // the longest matching prefix counts
  // dominant_share: CPU and memory are shared out in the proportion in which each workload needs
  // them. A workload that is short of one is then given less of the other, too.
  allocate::Coupling coupling = allocate::Coupling::kSeparate;
  double cpu_reserve = 0.05;                // share of the CPUs that is never given out
  double memory_reserve = 0.10;             // share of the memory that is never given out
  std::optional<std::int64_t> memory_pool;  // absent: what is available on the host
  // Absent: every workload has its own limit and nothing is shared.
  std::optional<SharedPoolOptions> shared_pool;
  // A tool call's exec raises the demand by what such calls grew by before.
  bool learn_tools = true;
  // Of one workload's expected growth, above its mean. Most calls need no more than the mean, and
  // who does is answered within one loop.
  double tool_sigmas = 0;
  // Share of a quota that may be saved up; see actuate::CgroupActuatorOptions.
  double cpu_burst = 0;
  HeadroomOptions cpu_headroom{.share = 1.0, .least = 250, .shared = true};
  HeadroomOptions memory_headroom{.share = 0.1, .least = std::int64_t{8} << 20};
  forecast::DecayingPeakOptions forecast;
  guard::GuardOptions cpu_guards{.use_margin_least = 10, .deadband_least = 25, .change_price = 25};
  guard::GuardOptions memory_guards{.use_margin = 0.05,
                                    .use_margin_least = std::int64_t{8} << 20,
                                    .deadband_least = std::int64_t{8} << 20,
                                    .change_price = 8 << 20};
  // Who is throttled and frozen where memory is out, so that nobody of a higher priority is killed.
  // Without effect where all priorities are the same.
  guard::DegradeOptions degrade;
  // A limit is lowered only after so many readings of the workload.
  int readings_before_shrink = 10;
  // Churn that needs no refusal by the kernel to stop.
  int changes_per_minute = 60;        // of one limit
  int host_changes_per_second = 100;  // of all limits
  // Hands off a workload that was just born: its runtime makes the cgroup first and sets its
  // limits afterwards, so what stands in the files is not yet the original to go back to.
  std::chrono::milliseconds newborn_hold{1'000};
  // Hands off after another writer, and after a write that failed.
  std::chrono::milliseconds foreign_cool_down{30'000};
  std::chrono::milliseconds failure_cool_down{1'000};
  // A v1 group that waits at a memory limit that cannot rise is given back to the kernel's OOM
  // killer.
  std::chrono::milliseconds longest_wait{10'000};
  // Records older than this are no basis for a decision.
  std::chrono::milliseconds stale_after{2'000};
};

// One sentence per wrong option; ok if there is none.
Result<> Check(const NodeOptions& options);

// The rule that counts for `path`.
const WorkloadRule& RuleFor(const NodeOptions& options, std::string_view path);

// What may be done to the workload at `path`: of the rules that say a mode and, in mode auto, the
// auto prefixes, the longest prefix counts (a rule where both are as long). kAuto only where one of
// them says so; elsewhere mode auto recommends.
Mode ModeFor(const NodeOptions& options, std::string_view path);

}  // namespace ballast::control

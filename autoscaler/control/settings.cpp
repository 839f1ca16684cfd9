#include "autoscaler/control/settings.h"

#include <algorithm>

namespace ballast::control {
namespace {

using config::OptionTable;

// The same settings for the defaults and for every [[workload]]; table.
void DescribeWorkload(OptionTable& table, const std::string& at, WorkloadSettings& workload) {
  table.Add(at + "min_cpu_millicores", &workload.min_cpu_millicores, {.min = 0, .max = 1'000'000},
            "CPU it is guaranteed.");
  table.AddBytes(at + "min_memory", &workload.min_memory, {}, "Memory it is guaranteed.");
  table.Add(at + "max_cpu_millicores", &workload.max_cpu_millicores, {.min = 0, .max = 1'000'000},
            "Ceiling of its CPU limit; 0: the host.");
  table.AddBytes(at + "max_memory", &workload.max_memory, {},
                 "Ceiling of its memory limit; 0: the host.");
  table.Add(at + "weight", &workload.weight, {.min = 0.001, .max = 10'000},
            "Its share of what is scarce, against the others.");
  table.Add(at + "write_weight", &workload.write_weight,
            "Write the weight to cpu.weight or cpu.shares as well; with policy.cpu_headroom_shared "
            "one other than 1 is written in any case.");
  table.AddBytes(at + "max_io_bytes_per_second", &workload.max_io_bytes_per_second, {},
                 "VMs with a QMP socket: bandwidth of each disk; 0: as it is set.");
  table.Add(at + "priority", &workload.priority, {.min = -1000, .max = 1000},
            "A higher one is served first, guarantees of the others apart; see policy.degrade.");
}

void DescribePolicy(OptionTable& table, Settings& s) {
  table.Section("policy", "How limits follow demand.");
  table.AddBytes("policy.memory_pool", &s.memory_pool, {},
                 "Memory that all workloads share; 0: what is available on the host.");
  table.Add(
      "policy.shared_pool", &s.shared_pool,
      "Cgroup path of the parent whose limit is the memory that the workloads below it share; "
      "each may take all that is free. Empty: every workload has a limit of its own alone.");
  table.AddChoice(
      "policy.coupling", &s.coupling,
      {{ToString(allocate::Coupling::kSeparate), allocate::Coupling::kSeparate},
       {ToString(allocate::Coupling::kDominantShare), allocate::Coupling::kDominantShare}},
      "none: each resource is shared out for itself; dominant_share: in the proportion in "
      "which each workload needs them, fair by the larger share.");
  table.Add("policy.cpu_burst", &s.cpu_burst, {.min = 0, .max = 1},
            "CPU quota that was not used may be used later, up to this share of the quota; 0: as "
            "the kernel has it.");
  table.Add("policy.cpu_reserve", &s.cpu_reserve, {.min = 0, .max = 0.9},
            "Share of the CPUs that is never given out.");
  table.Add("policy.memory_reserve", &s.memory_reserve, {.min = 0, .max = 0.9},
            "Share of the memory that is never given out.");
  table.Add("policy.cpu_half_life_seconds", &s.cpu_half_life_seconds, {.min = 0.1, .max = 86'400},
            "A peak of CPU use is half forgotten after this.");
  table.Add("policy.memory_half_life_seconds", &s.memory_half_life_seconds,
            {.min = 0.1, .max = 86'400}, "A peak of memory use is half forgotten after this.");
  table.Add("policy.learn_tools", &s.learn_tools,
            "A tool call's exec raises limits by what such calls needed before.");
  table.Add("policy.cpu_headroom", &s.cpu_headroom, {.min = 0, .max = 100},
            "Room above the allocation while the host has any, as a share of it.");
  table.Add(
      "policy.cpu_headroom_shared", &s.cpu_headroom_shared,
      "Instead: every workload may take all CPU that others leave, and of a full host one CPU and "
      "twice its fair share; weights divide what all want at once.");
  table.Add("policy.memory_headroom", &s.memory_headroom, {.min = 0, .max = 100},
            "Room above the allocation while the host has any, as a share of it.");
  table.AddChoice(
      "policy.degrade", &s.degrade,
      {{"off", guard::DegradeLevel::kNone},
       {"throttle", guard::DegradeLevel::kThrottled},
       {"freeze", guard::DegradeLevel::kFrozen}},
      "Where memory is out, workloads of a lower priority than others stop growing "
      "before anybody is killed: throttle: to the CPU they are guaranteed; freeze: also "
      "altogether. Equal priorities never degrade each other.");
  table.Add("policy.degrade_reserve", &s.degrade_reserve, {.min = 0, .max = 0.5},
            "Share of the memory that is left when the lowest priority is frozen; it is throttled "
            "from twice this on.");
}

void DescribeGuards(OptionTable& table, Settings& s) {
  table.Section("guard", "What a decision may not do.");
  table.Add("guard.shrink_hold_ms", &s.shrink_hold_ms, {.min = 0, .max = 86'400'000},
            "A limit is lowered when it was not needed for so long.");
  table.Add("guard.shrink_interval_ms", &s.shrink_interval_ms, {.min = 0, .max = 86'400'000},
            "Time between two steps down.");
  table.Add("guard.shrink_step", &s.shrink_step, {.min = 0.01, .max = 1},
            "Largest step down, as a share of the limit.");
  table.Add(
      "guard.change_price_cpu", &s.change_price_cpu, {.min = 0, .max = 1e9},
      "A CPU limit is moved without need if that is worth more: millicores times the seconds that "
      "it is expected to hold; 0: always.");
  table.AddBytes("guard.change_price_memory", &s.change_price_memory, {},
                 "The same of memory: bytes times seconds.");
  table.Add("guard.readings_before_shrink", &s.readings_before_shrink, {.min = 1, .max = 1'000'000},
            "A limit is lowered after so many readings of its workload.");
  table.Add("guard.changes_per_minute", &s.changes_per_minute, {.min = 1, .max = 6000},
            "Changes of one limit that no refusal by the kernel asked for.");
  table.Add("guard.longest_freeze_ms", &s.longest_freeze_ms, {.min = 100, .max = 86'400'000},
            "A workload that was frozen so long is thawed, whatever the memory does.");
  table.Add("guard.longest_wait_ms", &s.longest_wait_ms, {.min = 100, .max = 86'400'000},
            "cgroup v1: a workload that waited so long at a memory limit that cannot rise is left "
            "to the OOM killer.");
}

WorkloadRule ToRule(const WorkloadSettings& settings) {
  WorkloadRule rule;
  rule.prefix = settings.prefix;
  rule.mode = settings.mode;
  rule.min_cpu = settings.min_cpu_millicores;
  rule.min_memory = static_cast<std::int64_t>(settings.min_memory);
  if (settings.max_cpu_millicores > 0) rule.max_cpu = settings.max_cpu_millicores;
  if (settings.max_memory > 0) rule.max_memory = static_cast<std::int64_t>(settings.max_memory);
  rule.weight = settings.weight;
  rule.set_weight = settings.write_weight;
  if (settings.max_io_bytes_per_second > 0)
    rule.max_io_bytes_per_second = static_cast<std::int64_t>(settings.max_io_bytes_per_second);
  rule.priority = static_cast<int>(settings.priority);
  return rule;
}

}  // namespace

void Describe(OptionTable& table, Settings& s) {
  table.AddChoice("scope", &s.scope, {{"node", Settings::Scope::kNode}},
                  "node: the limits of this host's workloads.");
  table.AddChoice(
      "mode", &s.mode,
      {{"observe", Mode::kObserve}, {"recommend", Mode::kRecommend}, {"auto", Mode::kAuto}},
      "observe: nothing; recommend: say what would be done; auto: do it below auto_prefixes. A "
      "[[workload]] may have a mode of its own.");
  table.Add("auto_prefixes", &s.auto_prefixes,
            "Cgroup paths below which limits may be written in mode auto; nothing else is ever "
            "written, but what a "
            "[[workload]] of mode auto names.");
  table.Add("collector_socket", &s.collector_socket,
            "The collector's record stream: records come from it, events go back on it.");
  table.Add("state_dir", &s.state_dir, "Journal of the original limits, and the lock.");
  table.Section("http", "The autoscaler's own metrics.");
  table.Add("http.listen", &s.listen,
            "Address and port of /metrics, like 127.0.0.1:9436; empty: none.");
  table.Section("lease", "What happens when the program dies.");
  table.Add("lease.timeout_ms", &s.lease_ms, {.min = 500, .max = 60'000},
            "Limits are let go when the autoscaler has not answered for so long.");
  table.Section("vms", "Virtual machines.");
  table.Add(
      "vms.qmp_sockets", &s.qmp_sockets,
      "QMP sockets of VMs that are resized by balloon and vCPUs instead of memory limits; %n and "
      "%p stand for anything. One client at a time: name none that somebody else uses.");
  table.Add("vms.libvirt", &s.libvirt,
            "libvirt's address, through which alone the VMs that it runs are resized; loaded when "
            "the first one is met. Empty: they are left alone.");
  table.Section("systemd", "Units of systemd.");
  table.Add("systemd.tell", &s.tell_systemd,
            "Limits of workloads that are units are told to systemd as the units' own (runtime) "
            "settings, so that a reload of systemd does not undo them.");
  table.Section("runtime", "Container runtimes.");
  table.Add(
      "runtime.sockets", &s.runtime_sockets,
      "Docker or Podman API sockets that are told of their containers' limits when those have "
      "stood for two seconds, and when they are put back; the control files come first.");
  table.Section("log", "What is said on standard error.");
  table.AddChoice("log.level", &s.log_level,
                  {{"debug", LogLevel::kDebug},
                   {"info", LogLevel::kInfo},
                   {"warn", LogLevel::kWarn},
                   {"error", LogLevel::kError}},
                  "Least important line that is written.");
  DescribePolicy(table, s);
  DescribeGuards(table, s);
  table.Section("defaults", "Rights of workloads that no [[workload]] names.");
  DescribeWorkload(table, "defaults.", s.defaults);
  table.AddRows<WorkloadSettings>(
      "workload", &s.workloads,
      "Rights of the workloads below a prefix; the longest prefix counts.",
      [](OptionTable& row, WorkloadSettings& workload) {
        row.Add("prefix", &workload.prefix, "Cgroup path.");
        row.AddChoice(
            "mode", &workload.mode,
            {{"as above", std::nullopt},
             {"observe", Mode::kObserve},
             {"recommend", Mode::kRecommend},
             {"auto", Mode::kAuto}},
            "auto writes here whatever auto_prefixes says; observe and recommend never do; "
            "as above: as a shorter prefix says, in the end `mode`.");
        DescribeWorkload(row, "", workload);
      });
}

Result<NodeOptions> ToNodeOptions(const Settings& s) {
  NodeOptions options;
  options.mode = s.mode;
  options.auto_prefixes = s.auto_prefixes;
  options.defaults = ToRule(s.defaults);
  for (const WorkloadSettings& workload : s.workloads) options.rules.push_back(ToRule(workload));
  options.coupling = s.coupling;
  options.cpu_reserve = s.cpu_reserve;
  options.memory_reserve = s.memory_reserve;
  if (s.memory_pool > 0) options.memory_pool = static_cast<std::int64_t>(s.memory_pool);
  if (!s.shared_pool.empty()) options.shared_pool.emplace().parent = s.shared_pool;
  options.cpu_burst = s.cpu_burst;
  options.learn_tools = s.learn_tools;
  options.cpu_headroom.share = s.cpu_headroom;
  options.cpu_headroom.shared = s.cpu_headroom_shared;
  // Where quotas only bound, the kernel's weights are all that divides.
  const auto divide = [&](WorkloadRule& rule) {
    rule.set_weight = rule.set_weight || (s.cpu_headroom_shared && rule.weight != 1);
  };
  divide(options.defaults);
  std::ranges::for_each(options.rules, divide);
  options.memory_headroom.share = s.memory_headroom;
  options.degrade = {.most = s.degrade,
                     .reserve = s.degrade_reserve,
                     .longest_freeze = std::chrono::milliseconds(s.longest_freeze_ms)};
  options.forecast.cpu.half_life_seconds = s.cpu_half_life_seconds;
  options.forecast.memory.half_life_seconds = s.memory_half_life_seconds;
  for (guard::GuardOptions* guards : {&options.cpu_guards, &options.memory_guards}) {
    guards->shrink_hold = std::chrono::milliseconds(s.shrink_hold_ms);
    guards->shrink_interval = std::chrono::milliseconds(s.shrink_interval_ms);
    guards->shrink_step = s.shrink_step;
  }
  options.cpu_guards.change_price = s.change_price_cpu;
  options.memory_guards.change_price = static_cast<double>(s.change_price_memory);
  options.readings_before_shrink = static_cast<int>(s.readings_before_shrink);
  options.changes_per_minute = static_cast<int>(s.changes_per_minute);
  options.longest_wait = std::chrono::milliseconds(s.longest_wait_ms);
  BALLAST_TRY_DO(Check(options), "configuration");
  return options;
}

}  // namespace ballast::control

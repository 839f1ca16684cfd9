#include "collector/export/family.h"

#include <algorithm>

namespace ballast::exposition {
namespace {

using metrics::Kind;
using metrics::Spec;
using model::Field;
using model::FieldSet;

constexpr Family One(Spec spec, Show show, Field field, Group group = Group::kWorkload,
                     std::string_view labels = "") {
  return {spec, group, {Series{show, field, labels, nullptr}}, 1, false};
}
constexpr Family Derived(Spec spec, Derive derive, std::string_view labels = "") {
  return {spec, Group::kWorkload, {Series{Show::kDerived, {}, labels, derive}}, 1, false};
}

std::optional<double> WorkingSet(const FieldSet& fields, const Context&) {
  const auto usage = fields.Get(Field::kMemoryUsageBytes);
  const auto inactive = fields.Get(Field::kMemoryInactiveFileBytes);
  if (!usage || !inactive) return std::nullopt;
  // The two are read a moment apart.
  return static_cast<double>(*usage - std::min(*usage, *inactive));
}

std::optional<double> AllFaults(const FieldSet& fields, const Context&) {
  const auto minor = fields.Get(Field::kMemoryMinorFaults);
  const auto major = fields.Get(Field::kMemoryMajorFaults);
  if (!minor || !major) return std::nullopt;
  return static_cast<double>(*minor + *major);  // the kernel's pgfault counts both
}

std::optional<double> Shares(const FieldSet& fields, const Context&) {
  const auto weight = fields.Get(Field::kCpuWeight);
  if (!weight || *weight == 0) return std::nullopt;
  // runc's conversion between cpu.shares (2..262144) and cpu.weight (1..10000), backwards.
  return static_cast<double>(2 + (*weight - 1) * 262142 / 9999);
}

std::optional<double> StartTime(const FieldSet& fields, const Context& context) {
  const auto start = fields.Get(Field::kBootRelativeStartNs);
  if (!start) return std::nullopt;
  return static_cast<double>((static_cast<std::int64_t>(*start) + context.wall_offset.count()) /
                             1'000'000) /
         1e3;
}

std::optional<double> LastSeen(const FieldSet& fields, const Context& context) {
  if (!fields.Has(Field::kCgroupId)) return std::nullopt;
  return static_cast<double>(context.now.count() / 1'000'000'000);
}

// cAdvisor's is the scheduler's run_delay, which includes waiting for the own quota.
std::optional<double> RunQueueSeconds(const FieldSet& fields, const Context&) {
  const auto* others = fields.FindHistogram(Field::kRunQueueWait);
  if (others == nullptr) return std::nullopt;
  const auto* own = fields.FindHistogram(Field::kOwnThrottleWait);
  return static_cast<double>(others->sum_ns + (own == nullptr ? 0 : own->sum_ns)) / 1e9;
}

std::optional<double> Info(const FieldSet& fields, const Context&) {
  return fields.Has(Field::kCgroupId) ? std::optional(1.0) : std::nullopt;
}

template <Field field>
std::optional<double> RealCores(const FieldSet& fields, const Context&) {
  const auto value = fields.GetReal(field);
  if (!value) return std::nullopt;
  return *value / 1e3;
}
template <Field field>
std::optional<double> Real(const FieldSet& fields, const Context&) {
  return fields.GetReal(field);
}

constexpr Family OnHost(Family family) {
  family.group = Group::kHost;
  return family;
}

constexpr Family WithInfo(Family family) {
  family.has_info_labels = true;
  return family;
}

using enum Show;
constexpr auto kC = Kind::kCounter;
constexpr auto kG = Kind::kGauge;
constexpr auto kH = Kind::kHistogram;

// table
// One row a line.
// clang-format off
constexpr std::array kFamilies = {
    // cAdvisor's, under its names and in its units.
    One({"container_cpu_usage_seconds_total", kC, "cpu", "Cumulative CPU time consumed."}, kSeconds, Field::kCpuUsageNs, Group::kWorkload, "cpu=\"total\""),
    One({"container_cpu_user_seconds_total", kC, "", "Cumulative CPU time consumed in user mode."}, kSeconds, Field::kCpuUserNs),
    One({"container_cpu_system_seconds_total", kC, "", "Cumulative CPU time consumed in kernel mode."}, kSeconds, Field::kCpuSystemNs),
    One({"container_cpu_cfs_periods_total", kC, "", "Quota periods in which the container was runnable."}, kAsIs, Field::kCpuPeriods),
    One({"container_cpu_cfs_throttled_periods_total", kC, "", "Quota periods in which the container was throttled."}, kAsIs, Field::kCpuThrottledPeriods),
    One({"container_cpu_cfs_throttled_seconds_total", kC, "", "Time the container was throttled, summed over CPUs."}, kSeconds, Field::kCpuThrottledNs),
    One({"container_cpu_schedstat_run_seconds_total", kC, "", "Time the container's tasks ran, by the scheduler's account."}, kSeconds, Field::kCpuRanNs),
    Derived({"container_cpu_schedstat_runqueue_seconds_total", kC, "", "Time the container's tasks were runnable and waited."}, RunQueueSeconds),
    One({"container_processes", kG, "", "Processes in the container."}, kAsIs, Field::kProcesses),
    One({"container_threads", kG, "", "Threads in the container."}, kAsIs, Field::kThreads),
    One({"container_memory_usage_bytes", kG, "", "Memory charged to the container, page cache included."}, kAsIs, Field::kMemoryUsageBytes),
    Derived({"container_memory_working_set_bytes", kG, "", "Memory in use less inactive page cache."}, WorkingSet),
    One({"container_memory_rss", kG, "", "Anonymous memory."}, kAsIs, Field::kMemoryAnonBytes),
    One({"container_memory_cache", kG, "", "Page cache."}, kAsIs, Field::kMemoryFileBytes),
    One({"container_memory_swap", kG, "", "Swap in use."}, kAsIs, Field::kSwapUsageBytes),
    One({"container_memory_mapped_file", kG, "", "File pages mapped."}, kAsIs, Field::kMemoryMappedFileBytes),
    One({"container_memory_max_usage_bytes", kG, "", "Highest memory use since the container began."}, kAsIs, Field::kMemoryLifetimePeakBytes),
    Family{{"container_memory_failures_total", kC, "failure_type,scope", "Page faults: all, and those that waited for I/O."}, Group::kWorkload,
           {Series{kDerived, {}, "failure_type=\"pgfault\",scope=\"container\"", AllFaults}, Series{kAsIs, Field::kMemoryMajorFaults, "failure_type=\"pgmajfault\",scope=\"container\"", nullptr}}, 2, false},
    One({"container_oom_events_total", kC, "", "Processes killed for lack of memory."}, kAsIs, Field::kOomKills),
    One({"container_pressure_cpu_waiting_seconds_total", kC, "", "Time at least one task waited for a CPU."}, kSeconds, Field::kPressureCpuSomeNs),
    One({"container_pressure_cpu_stalled_seconds_total", kC, "", "Time every task waited for a CPU."}, kSeconds, Field::kPressureCpuFullNs),
    One({"container_pressure_memory_waiting_seconds_total", kC, "", "Time at least one task waited for memory."}, kSeconds, Field::kPressureMemorySomeNs),
    One({"container_pressure_memory_stalled_seconds_total", kC, "", "Time every task waited for memory."}, kSeconds, Field::kPressureMemoryFullNs),
    One({"container_pressure_io_waiting_seconds_total", kC, "", "Time at least one task waited for I/O."}, kSeconds, Field::kPressureIoSomeNs),
    One({"container_pressure_io_stalled_seconds_total", kC, "", "Time every task waited for I/O."}, kSeconds, Field::kPressureIoFullNs),
    One({"container_fs_reads_bytes_total", kC, "device", "Bytes read."}, kAsIs, Field::kIoReadBytes, Group::kDevice),
    One({"container_fs_writes_bytes_total", kC, "device", "Bytes written."}, kAsIs, Field::kIoWriteBytes, Group::kDevice),
    One({"container_fs_reads_total", kC, "device", "Read requests completed."}, kAsIs, Field::kIoReads, Group::kDevice),
    One({"container_fs_writes_total", kC, "device", "Write requests completed."}, kAsIs, Field::kIoWrites, Group::kDevice),
    One({"container_network_receive_bytes_total", kC, "interface", "Bytes received."}, kAsIs, Field::kNetworkReceiveBytes, Group::kInterface),
    One({"container_network_transmit_bytes_total", kC, "interface", "Bytes sent."}, kAsIs, Field::kNetworkTransmitBytes, Group::kInterface),
    One({"container_network_receive_packets_total", kC, "interface", "Packets received."}, kAsIs, Field::kNetworkReceivePackets, Group::kInterface),
    One({"container_network_transmit_packets_total", kC, "interface", "Packets sent."}, kAsIs, Field::kNetworkTransmitPackets, Group::kInterface),
    One({"container_network_receive_errors_total", kC, "interface", "Receive errors."}, kAsIs, Field::kNetworkReceiveErrors, Group::kInterface),
    One({"container_network_transmit_errors_total", kC, "interface", "Transmit errors."}, kAsIs, Field::kNetworkTransmitErrors, Group::kInterface),
    One({"container_network_receive_packets_dropped_total", kC, "interface", "Received packets dropped."}, kAsIs, Field::kNetworkReceiveDrops, Group::kInterface),
    One({"container_network_transmit_packets_dropped_total", kC, "interface", "Packets dropped while sending."}, kAsIs, Field::kNetworkTransmitDrops, Group::kInterface),
    One({"container_spec_cpu_quota", kG, "", "CPU quota in microseconds per period; absent: none."}, kMicroseconds, Field::kCpuQuotaNs),
    One({"container_spec_cpu_period", kG, "", "Quota period in microseconds."}, kMicroseconds, Field::kCpuPeriodNs),
    Derived({"container_spec_cpu_shares", kG, "", "CPU shares; on cgroup v2 converted from the weight."}, Shares),
    One({"container_spec_memory_limit_bytes", kG, "", "Memory limit; 0: none."}, kLimit, Field::kMemoryMaxBytes),
    Derived({"container_start_time_seconds", kG, "", "When the container began, since 1970."}, StartTime),
    Derived({"container_last_seen", kG, "", "When the container was last measured, since 1970."}, LastSeen),
    One({"machine_cpu_cores", kG, "", "CPUs online."}, kAsIs, Field::kCpusOnline, Group::kHost),
    One({"machine_memory_bytes", kG, "", "Memory of the host."}, kAsIs, Field::kMemoryTotalBytes, Group::kHost),
    // What nobody else has.
    WithInfo(Derived({"ballast_workload_info", kG, "kind,runtime,agent,qos", "Always 1; what the workload is."}, Info)),
    One({"ballast_run_queue_wait_seconds", kH, "", "Time a runnable task waited for a CPU that somebody else used."}, kHistogram, Field::kRunQueueWait),
    One({"ballast_own_throttle_wait_seconds", kH, "", "Time a runnable task waited because its own quota was used up."}, kHistogram, Field::kOwnThrottleWait),
    Family{{"ballast_preemptions_total", kC, "by", "Switches away from a runnable task, by whose task came next."}, Group::kWorkload,
           {Series{kAsIs, Field::kPreemptedBySelf, "by=\"self\"", nullptr}, Series{kAsIs, Field::kPreemptedByOther, "by=\"other\"", nullptr}, Series{kAsIs, Field::kPreemptedBySystem, "by=\"system\"", nullptr}}, 3, false},
    Family{{"ballast_memory_events_total", kC, "event", "Memory limits met: low, high, max, oom."}, Group::kWorkload,
           {Series{kAsIs, Field::kMemoryLowEvents, "event=\"low\"", nullptr}, Series{kAsIs, Field::kMemoryHighEvents, "event=\"high\"", nullptr}, Series{kAsIs, Field::kMemoryMaxEvents, "event=\"max\"", nullptr}, Series{kAsIs, Field::kMemoryOomEvents, "event=\"oom\"", nullptr}}, 4, false},
    One({"ballast_memory_under_oom", kG, "", "1 while the group waits at its v1 limit."}, kAsIs, Field::kMemoryUnderOom),
    One({"ballast_memory_peak_bytes", kG, "", "Highest memory use inside the last tick."}, kAsIs, Field::kMemoryTickPeakBytes),
    One({"ballast_memory_high_bytes", kG, "", "memory.high in force; 0: none."}, kLimit, Field::kMemoryHighBytes),
    One({"ballast_demand_cpu_cores", kG, "", "CPU demand that the last decision saw."}, kCores, Field::kDemandCpuMillicores),
    One({"ballast_demand_memory_bytes", kG, "", "Memory demand that the last decision saw."}, kAsIs, Field::kDemandMemoryBytes),
    One({"ballast_allocated_cpu_cores", kG, "", "CPU that the model gave."}, kCores, Field::kAllocatedCpuMillicores),
    One({"ballast_allocated_memory_bytes", kG, "", "Memory that the model gave."}, kAsIs, Field::kAllocatedMemoryBytes),
    One({"ballast_limit_cpu_cores", kG, "", "CPU limit of the last decision, after the guards; absent: none."}, kCores, Field::kLimitCpuMillicores),
    One({"ballast_limit_memory_bytes", kG, "", "Memory limit of the last decision, after the guards; 0: none."}, kLimit, Field::kLimitMemoryBytes),
    OnHost(Derived({"ballast_water_level_cpu_cores", kG, "", "Cores per unit of weight at which the host is full; +Inf: nobody is short."}, RealCores<Field::kWaterLevelCpu>)),
    OnHost(Derived({"ballast_water_level_memory_bytes", kG, "", "Bytes per unit of weight at which the host is full; +Inf: nobody is short."}, Real<Field::kWaterLevelMemory>)),
    One({"ballast_capacity_cpu_cores", kG, "", "CPU that the model shares out."}, kCores, Field::kCapacityCpuMillicores, Group::kHost),
    One({"ballast_capacity_memory_bytes", kG, "", "Memory that the model shares out."}, kAsIs, Field::kCapacityMemoryBytes, Group::kHost),
    One({"ballast_host_memory_available_bytes", kG, "", "Memory that the host could give without swapping."}, kAsIs, Field::kMemoryAvailableBytes, Group::kHost),
    One({"ballast_workloads_tracked", kG, "", "Workloads that are measured."}, kAsIs, Field::kWorkloadsTracked, Group::kHost),
    One({"ballast_cgroups_walked_total", kC, "", "Cgroups visited by the walk, all hierarchies."}, kAsIs, Field::kCgroupsWalked, Group::kHost),
    One({"ballast_walk_seconds_total", kC, "", "Time spent in the walk."}, kSeconds, Field::kWalkNs, Group::kHost),
    One({"ballast_io_unattributed_bytes_total", kC, "", "Block I/O that no cgroup could be found for."}, kAsIs, Field::kIoUnattributedBytes, Group::kHost),
    One({"ballast_events_lost_total", kC, "map,reason", "Events that could not be recorded."}, kAsIs, Field::kEventsLost, Group::kLoss),
};
// clang-format on

constexpr auto kSpecs = [] {
  std::array<Spec, kFamilies.size()> specs{};
  for (std::size_t i = 0; i < specs.size(); ++i) specs[i] = kFamilies[i].spec;
  return specs;
}();
static_assert(metrics::NamesAreSound(kSpecs));

}  // namespace

std::span<const Family> AllFamilies() {
  return kFamilies;
}

}  // namespace ballast::exposition

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
  return {.spec = spec, .group = group, .series = {Series{show, field, labels}}};
}
constexpr Family Derived(Spec spec, Derive derive, Group group = Group::kWorkload,
                         std::string_view labels = "") {
  return {.spec = spec, .group = group, .series = {Series{Show::kDerived, {}, labels, derive}}};
}
// The same quantity under several values of a label.
template <typename... Some>
constexpr Family Several(Spec spec, Group group, Some... series) {
  return {.spec = spec, .group = group, .series = {series...}, .series_count = sizeof...(series)};
}
constexpr Series Peaked(Peak peak, Field field, std::string_view labels) {
  return {Show::kPeak, field, labels, nullptr, peak};
}
constexpr Series Tallied(Tally tally, std::string_view labels) {
  return {Show::kTally, {}, labels, nullptr, {}, tally};
}

std::optional<double> WorkingSet(const FieldSet& fields, const Context&) {
  const auto usage = fields.Get(Field::kMemoryUsageBytes);
  const auto inactive = fields.Get(Field::kMemoryInactiveFileBytes);
  // The host has no group's account, but the kernel's own estimate.
  const auto total = fields.Get(Field::kMemoryTotalBytes);
  const auto available = fields.Get(Field::kMemoryAvailableBytes);
  if (total && available) return static_cast<double>(*total - std::min(*total, *available));
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

// libvirt's account of a domain: all that it costs the host.
std::optional<double> DomainMemory(const FieldSet& fields, const Context&) {
  const auto balloon = fields.Get(Field::kVmBalloonBytes);
  const auto most = fields.Get(Field::kVmMemoryMaxBytes);
  if (!balloon && !most) return std::nullopt;
  return static_cast<double>(balloon ? *balloon : *most);
}

template <Field field>
std::optional<double> SumSeconds(const FieldSet& fields, const Context&) {
  const auto* histogram = fields.FindHistogram(field);
  if (histogram == nullptr) return std::nullopt;
  return static_cast<double>(histogram->sum_ns) / 1e9;
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

constexpr Family WithInfo(Family family) {
  family.has_info_labels = true;
  return family;
}
constexpr Family WithExemplars(Family family) {
  family.has_exemplars = true;
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
    One({"container_cpu_cfs_burst_periods_total", kC, "", "Quota periods that used burst."}, kAsIs, Field::kCpuBurstPeriods),
    One({"container_cpu_cfs_burst_seconds_total", kC, "", "CPU time used above the quota out of burst."}, kSeconds, Field::kCpuBurstNs),
    One({"container_processes", kG, "", "Processes in the container."}, kAsIs, Field::kProcesses),
    One({"container_threads", kG, "", "Threads in the container."}, kAsIs, Field::kThreads),
    One({"container_memory_usage_bytes", kG, "", "Memory charged to the container, page cache included."}, kAsIs, Field::kMemoryUsageBytes),
    Derived({"container_memory_working_set_bytes", kG, "", "Memory in use less inactive page cache."}, WorkingSet),
    One({"container_memory_rss", kG, "", "Anonymous memory."}, kAsIs, Field::kMemoryAnonBytes),
    One({"container_memory_cache", kG, "", "Page cache."}, kAsIs, Field::kMemoryFileBytes),
    One({"container_memory_swap", kG, "", "Swap in use."}, kAsIs, Field::kSwapUsageBytes),
    One({"container_memory_mapped_file", kG, "", "File pages mapped."}, kAsIs, Field::kMemoryMappedFileBytes),
    One({"container_memory_kernel_usage", kG, "", "Kernel memory charged to the container."}, kAsIs, Field::kMemoryKernelBytes),
    One({"container_memory_total_active_file_bytes", kG, "", "Page cache on the active list."}, kAsIs, Field::kMemoryActiveFileBytes),
    One({"container_memory_total_inactive_file_bytes", kG, "", "Page cache on the inactive list."}, kAsIs, Field::kMemoryInactiveFileBytes),
    One({"container_memory_max_usage_bytes", kG, "", "Highest memory use since the container began."}, kAsIs, Field::kMemoryLifetimePeakBytes),
    Several({"container_memory_failures_total", kC, "failure_type,scope", "Page faults: all, and those that waited for I/O."}, Group::kWorkload,
            Series{kDerived, {}, "failure_type=\"pgfault\",scope=\"container\"", AllFaults}, Series{kAsIs, Field::kMemoryMajorFaults, "failure_type=\"pgmajfault\",scope=\"container\""}),
    // cAdvisor calls it a counter; OpenMetrics and promtool know none without _total, and rate() asks nobody.
    One({"container_memory_failcnt", kG, "", "Times the memory limit was met: memory.failcnt, or max of memory.events."}, kAsIs, Field::kMemoryMaxEvents),
    One({"container_memory_events_high_total", kC, "", "Times memory.high was met."}, kAsIs, Field::kMemoryHighEvents),
    One({"container_memory_events_max_total", kC, "", "Times the memory limit was met."}, kAsIs, Field::kMemoryMaxEvents),
    One({"container_memory_pgscan_total", kC, "", "Pages scanned by reclaim."}, kAsIs, Field::kMemoryScannedPages),
    One({"container_memory_workingset_refault_anon_total", kC, "", "Anonymous pages reclaimed and wanted back soon."}, kAsIs, Field::kMemoryRefaultAnon),
    One({"container_memory_workingset_refault_file_total", kC, "", "File pages reclaimed and wanted back soon."}, kAsIs, Field::kMemoryRefaultFile),
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
    Several({"ballast_preemptions_total", kC, "by", "Switches away from a runnable task, by whose task came next."}, Group::kWorkload,
            Series{kAsIs, Field::kPreemptedBySelf, "by=\"self\""}, Series{kAsIs, Field::kPreemptedByOther, "by=\"other\""}, Series{kAsIs, Field::kPreemptedBySystem, "by=\"system\""}),
    Several({"ballast_cpu_peak_cores", kG, "window", "Most CPU used in a window of this length within the last 15 to 30 s."}, Group::kWorkload,
            Peaked(Peak::kCpu10ms, Field::kCpuPeak10msNs, "window=\"10ms\""), Peaked(Peak::kCpu100ms, Field::kCpuPeak100msNs, "window=\"100ms\""), Peaked(Peak::kCpu1s, Field::kCpuPeak1sNs, "window=\"1s\"")),
    Several({"ballast_memory_events_total", kC, "event", "Memory limits met: low, high, max, oom."}, Group::kWorkload,
            Series{kAsIs, Field::kMemoryLowEvents, "event=\"low\""}, Series{kAsIs, Field::kMemoryHighEvents, "event=\"high\""}, Series{kAsIs, Field::kMemoryMaxEvents, "event=\"max\""}, Series{kAsIs, Field::kMemoryOomEvents, "event=\"oom\""}),
    Several({"ballast_oom_kills_total", kC, "cause", "Processes killed for lack of memory since the collector began, by whose limit was hit: the own one, an ancestor's, the host's memory."}, Group::kWorkload,
            Tallied(Tally::kOomOwnLimit, "cause=\"own_limit\""), Tallied(Tally::kOomAncestor, "cause=\"ancestor\""), Tallied(Tally::kOomHost, "cause=\"host\"")),
    Several({"ballast_reclaim_wait_seconds", kH, "kind", "Time in reclaim: direct because the host was short, memcg because the own limit was hit."}, Group::kWorkload,
            Series{kHistogram, Field::kReclaimDirectWait, "kind=\"direct\""}, Series{kHistogram, Field::kReclaimMemcgWait, "kind=\"memcg\""}),
    Several({"ballast_memory_refaults_total", kC, "kind", "Pages reclaimed and wanted back soon."}, Group::kWorkload,
            Series{kAsIs, Field::kMemoryRefaultAnon, "kind=\"anon\""}, Series{kAsIs, Field::kMemoryRefaultFile, "kind=\"file\""}),
    One({"ballast_memory_scanned_pages_total", kC, "", "Pages scanned by reclaim."}, kAsIs, Field::kMemoryScannedPages),
    One({"ballast_memory_reclaimed_bytes_total", kC, "", "Memory that reclaim took."}, kAsIs, Field::kMemoryReclaimedBytes),
    One({"ballast_memory_under_oom", kG, "", "1 while the group waits at its v1 limit."}, kAsIs, Field::kMemoryUnderOom),
    Several({"ballast_memory_peak_bytes", kG, "", "Highest memory use within the last 15 to 30 s."}, Group::kWorkload, Peaked(Peak::kMemory, Field::kMemoryTickPeakBytes, "")),
    Several({"ballast_block_latency_seconds", kH, "device,operation", "Issue to completion of block requests, by the workload that they are for."}, Group::kDevice,
            Series{kHistogram, Field::kIoReadLatency, "operation=\"read\""}, Series{kHistogram, Field::kIoWriteLatency, "operation=\"write\""}, Series{kHistogram, Field::kIoDiscardLatency, "operation=\"discard\""}),
    One({"ballast_block_discard_bytes_total", kC, "device", "Bytes discarded."}, kAsIs, Field::kIoDiscardBytes, Group::kDevice),
    One({"ballast_block_discards_total", kC, "device", "Discard requests completed."}, kAsIs, Field::kIoDiscards, Group::kDevice),
    One({"ballast_block_flushes_total", kC, "device", "Flush requests completed."}, kAsIs, Field::kIoFlushes, Group::kDevice),
    One({"ballast_blame_wait_seconds_total", kC, "holder_id,holder_name", "Time the workload waited while the holder had the CPU."}, kSeconds, Field::kBlameWaitNs, Group::kBlame),
    One({"ballast_tool_calls_total", kC, "program", "Tool calls that ended."}, kAsIs, Field::kCalls, Group::kTool),
    WithExemplars(One({"ballast_tool_call_duration_seconds", kH, "program", "Exec to exit of tool calls."}, kHistogram, Field::kCallDuration, Group::kTool)),
    One({"ballast_tool_cpu_seconds_total", kC, "program", "CPU time used by tool calls that ended."}, kSeconds, Field::kCpuUsageNs, Group::kTool),
    One({"ballast_tool_resident_peak_bytes", kG, "program", "Peak resident memory of the tool's calls."}, kAsIs, Field::kResidentPeakBytes, Group::kTool),
    One({"ballast_memory_high_bytes", kG, "", "memory.high in force; 0: none."}, kLimit, Field::kMemoryHighBytes),
    One({"ballast_demand_cpu_cores", kG, "", "CPU demand that the last decision saw."}, kCores, Field::kDemandCpuMillicores),
    One({"ballast_demand_memory_bytes", kG, "", "Memory demand that the last decision saw."}, kAsIs, Field::kDemandMemoryBytes),
    One({"ballast_allocated_cpu_cores", kG, "", "CPU that the model gave."}, kCores, Field::kAllocatedCpuMillicores),
    One({"ballast_allocated_memory_bytes", kG, "", "Memory that the model gave."}, kAsIs, Field::kAllocatedMemoryBytes),
    Several({"ballast_limit_changes_total", kC, "resource,direction", "Limits that the autoscaler wrote since the collector began; absent: none yet."}, Group::kWorkload,
            Tallied(Tally::kCpuLimitRaised, "resource=\"cpu\",direction=\"up\""), Tallied(Tally::kCpuLimitLowered, "resource=\"cpu\",direction=\"down\""), Tallied(Tally::kMemoryLimitRaised, "resource=\"memory\",direction=\"up\""), Tallied(Tally::kMemoryLimitLowered, "resource=\"memory\",direction=\"down\"")),
    One({"ballast_limit_cpu_cores", kG, "", "CPU limit of the last decision, after the guards; absent: none."}, kCores, Field::kLimitCpuMillicores),
    One({"ballast_limit_memory_bytes", kG, "", "Memory limit of the last decision, after the guards; 0: none."}, kLimit, Field::kLimitMemoryBytes),
    Derived({"ballast_water_level_cpu_cores", kG, "", "Cores per unit of weight at which the host is full; +Inf: nobody is short."}, RealCores<Field::kWaterLevelCpu>, Group::kHost),
    Derived({"ballast_water_level_memory_bytes", kG, "", "Bytes per unit of weight at which the host is full; +Inf: nobody is short."}, Real<Field::kWaterLevelMemory>, Group::kHost),
    One({"ballast_capacity_cpu_cores", kG, "", "CPU that the model shares out."}, kCores, Field::kCapacityCpuMillicores, Group::kHost),
    One({"ballast_capacity_memory_bytes", kG, "", "Memory that the model shares out."}, kAsIs, Field::kCapacityMemoryBytes, Group::kHost),
    One({"ballast_host_memory_available_bytes", kG, "", "Memory that the host could give without swapping."}, kAsIs, Field::kMemoryAvailableBytes, Group::kHost),
    One({"ballast_workloads_tracked", kG, "", "Workloads that are measured."}, kAsIs, Field::kWorkloadsTracked, Group::kHost),
    One({"ballast_cgroups_walked_total", kC, "", "Cgroups visited by the walk, all hierarchies."}, kAsIs, Field::kCgroupsWalked, Group::kHost),
    One({"ballast_walk_seconds_total", kC, "", "Time spent in the walk."}, kSeconds, Field::kWalkNs, Group::kHost),
    One({"ballast_io_unattributed_bytes_total", kC, "", "Block I/O that no cgroup could be found for."}, kAsIs, Field::kIoUnattributedBytes, Group::kHost),
    // Virtual machines: what they cost the host. Figures of the guest are never added to them.
    One({"vm_vcpus", kG, "", "vCPUs plugged in."}, kAsIs, Field::kVmVcpus),
    One({"vm_overhead_seconds_total", kC, "", "CPU time of the VMM outside its vCPU threads."}, kSeconds, Field::kVmOverheadNs),
    One({"vm_resident_bytes", kG, "", "Resident memory of the VMM process."}, kAsIs, Field::kVmResidentBytes),
    One({"vm_balloon_bytes", kG, "", "Memory the balloon leaves to the guest."}, kAsIs, Field::kVmBalloonBytes),
    One({"vm_memory_max_bytes", kG, "", "Memory the guest was defined with."}, kAsIs, Field::kVmMemoryMaxBytes),
    One({"vm_guest_available_bytes", kG, "", "Memory the guest sees, as its balloon driver reports to libvirt."}, kAsIs, Field::kVmGuestAvailableBytes),
    One({"vm_guest_unused_bytes", kG, "", "Memory the guest leaves empty, likewise."}, kAsIs, Field::kVmGuestUnusedBytes),
    One({"vm_guest_usable_bytes", kG, "", "Memory the guest could use without swapping, likewise."}, kAsIs, Field::kVmGuestUsableBytes),
    One({"vm_vcpu_seconds_total", kC, "vcpu", "CPU time of the vCPU thread."}, kSeconds, Field::kVcpuTimeNs, Group::kVcpu),
    One({"vm_vcpu_steal_seconds_total", kC, "vcpu", "Time the vCPU thread was runnable and waited."}, kSeconds, Field::kVcpuStealNs, Group::kVcpu),
    One({"vm_vcpu_halt_seconds_total", kC, "vcpu", "Time halted by the guest."}, kSeconds, Field::kVcpuHaltNs, Group::kVcpu),
    One({"vm_exits_total", kC, "reason", "Exits to the hypervisor."}, kAsIs, Field::kVmExits, Group::kExit),
    One({"vm_exit_seconds_total", kC, "reason", "Time between exit and entry, halts apart."}, kSeconds, Field::kVmExitNs, Group::kExit),
    // The same under the names of libvirt's exporters.
    One({"libvirt_domain_info_cpu_time_seconds_total", kC, "domain", "CPU time of the domain."}, kSeconds, Field::kCpuUsageNs, Group::kDomain),
    One({"libvirt_domain_info_virtual_cpus", kG, "domain", "Virtual CPUs of the domain."}, kAsIs, Field::kVmVcpus, Group::kDomain),
    One({"libvirt_domain_info_maximum_memory_bytes", kG, "domain", "Memory the domain was defined with."}, kAsIs, Field::kVmMemoryMaxBytes, Group::kDomain),
    Derived({"libvirt_domain_info_memory_usage_bytes", kG, "domain", "Memory that the domain may use now."}, DomainMemory, Group::kDomain),
    One({"libvirt_domain_memory_stats_rss_bytes", kG, "domain", "Resident memory of the domain's process."}, kAsIs, Field::kVmResidentBytes, Group::kDomain),
    One({"libvirt_domain_memory_stats_actual_balloon_bytes", kG, "domain", "Memory the balloon leaves to the domain."}, kAsIs, Field::kVmBalloonBytes, Group::kDomain),
    One({"libvirt_domain_memory_stats_available_bytes", kG, "domain", "Memory the guest sees."}, kAsIs, Field::kVmGuestAvailableBytes, Group::kDomain),
    One({"libvirt_domain_memory_stats_unused_bytes", kG, "domain", "Memory the guest leaves empty."}, kAsIs, Field::kVmGuestUnusedBytes, Group::kDomain),
    One({"libvirt_domain_memory_stats_usable_bytes", kG, "domain", "Memory the guest could use without swapping."}, kAsIs, Field::kVmGuestUsableBytes, Group::kDomain),
    One({"libvirt_domain_vcpu_time_seconds_total", kC, "domain,vcpu", "CPU time of the virtual CPU."}, kSeconds, Field::kVcpuTimeNs, Group::kDomainVcpu),
    One({"libvirt_domain_vcpu_delay_seconds_total", kC, "domain,vcpu", "Time the virtual CPU was runnable and waited."}, kSeconds, Field::kVcpuStealNs, Group::kDomainVcpu),
    One({"libvirt_domain_block_stats_read_bytes_total", kC, "domain,target_device", "Bytes read."}, kAsIs, Field::kIoReadBytes, Group::kDomainDevice),
    One({"libvirt_domain_block_stats_write_bytes_total", kC, "domain,target_device", "Bytes written."}, kAsIs, Field::kIoWriteBytes, Group::kDomainDevice),
    One({"libvirt_domain_block_stats_read_requests_total", kC, "domain,target_device", "Read requests."}, kAsIs, Field::kIoReads, Group::kDomainDevice),
    One({"libvirt_domain_block_stats_write_requests_total", kC, "domain,target_device", "Write requests."}, kAsIs, Field::kIoWrites, Group::kDomainDevice),
    One({"libvirt_domain_block_stats_flush_requests_total", kC, "domain,target_device", "Flush requests."}, kAsIs, Field::kIoFlushes, Group::kDomainDevice),
    Derived({"libvirt_domain_block_stats_read_time_seconds_total", kC, "domain,target_device", "Time spent on reads."}, SumSeconds<Field::kIoReadLatency>, Group::kDomainDevice),
    Derived({"libvirt_domain_block_stats_write_time_seconds_total", kC, "domain,target_device", "Time spent on writes."}, SumSeconds<Field::kIoWriteLatency>, Group::kDomainDevice),
    One({"libvirt_domain_interface_stats_receive_bytes_total", kC, "domain,target_device", "Bytes received."}, kAsIs, Field::kNetworkReceiveBytes, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_transmit_bytes_total", kC, "domain,target_device", "Bytes sent."}, kAsIs, Field::kNetworkTransmitBytes, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_receive_packets_total", kC, "domain,target_device", "Packets received."}, kAsIs, Field::kNetworkReceivePackets, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_transmit_packets_total", kC, "domain,target_device", "Packets sent."}, kAsIs, Field::kNetworkTransmitPackets, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_receive_errors_total", kC, "domain,target_device", "Receive errors."}, kAsIs, Field::kNetworkReceiveErrors, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_transmit_errors_total", kC, "domain,target_device", "Transmit errors."}, kAsIs, Field::kNetworkTransmitErrors, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_receive_drops_total", kC, "domain,target_device", "Received packets dropped."}, kAsIs, Field::kNetworkReceiveDrops, Group::kDomainInterface),
    One({"libvirt_domain_interface_stats_transmit_drops_total", kC, "domain,target_device", "Packets dropped while sending."}, kAsIs, Field::kNetworkTransmitDrops, Group::kDomainInterface),
    One({"ballast_events_lost_total", kC, "map,reason", "Events that could not be recorded."}, kAsIs, Field::kEventsLost, Group::kLoss),
};
// clang-format on

constexpr auto kSpecs = [] {
  std::array<Spec, kFamilies.size()> specs{};
  for (std::size_t i = 0; i < specs.size(); ++i) specs[i] = kFamilies[i].spec;
  return specs;
}();
static_assert(metrics::NamesAreSound(kSpecs));

constexpr auto kGroups = static_cast<std::size_t>(Group::kNum);

struct Numbered {
  std::array<Family, kFamilies.size()> families;
  std::array<std::size_t, kGroups> columns;
};
constexpr Numbered kNumbered = [] {
  Numbered numbered{kFamilies, {}};
  for (Family& family : numbered.families) {
    std::size_t& next = numbered.columns[static_cast<std::size_t>(family.group)];
    family.first_column = static_cast<std::uint16_t>(next);
    next += family.series_count;
  }
  return numbered;
}();

}  // namespace

std::string_view NameOf(Group group) {
  constexpr std::array<std::string_view, kGroups> kNames = {
      "workload", "host", "device", "interface",   "tool",          "blame",
      "vcpu",     "exit", "domain", "domain_vcpu", "domain_device", "domain_interface",
      "loss"};
  return kNames[static_cast<std::size_t>(group)];
}

std::span<const Family> AllFamilies() {
  return kNumbered.families;
}

std::size_t ColumnsOf(Group group) {
  return kNumbered.columns[static_cast<std::size_t>(group)];
}

}  // namespace ballast::exposition

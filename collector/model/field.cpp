#include "collector/model/field.h"

#include <algorithm>
#include <array>

namespace ballast::model {
namespace {

using enum FieldType;
using enum FieldUnit;
using enum FieldScope;

// table. Sorted by number; a test holds it against the enum.
// One row a line.
// clang-format off
constexpr std::array kFields = {
    FieldInfo{Field::kBootRelativeStartNs, "boot_relative_start_ns", kGauge, kNanoseconds, kScopeAny, "When the entity was first seen or made, CLOCK_BOOTTIME."},
    FieldInfo{Field::kCgroupId, "cgroup_id", kGauge, kNone, kScopeWorkload, "kernfs id of the directory that identifies the workload (64 bit, with generation)."},
    FieldInfo{Field::kHierarchyId, "hierarchy_id", kGauge, kNone, kScopeWorkload, "Hierarchy of cgroup_id: 0 is cgroup2, others as in /proc/cgroups."},
    FieldInfo{Field::kPath, "path", kText, kNone, kScopeWorkload, "Path of the workload below its hierarchy; begins with a slash."},
    FieldInfo{Field::kRuntime, "runtime", kText, kNone, kScopeWorkload, "docker, containerd, cri-o, podman, lxc, nspawn, systemd, libvirt, qemu, firecracker, ... or cgroup."},
    FieldInfo{Field::kContainerId, "container_id", kText, kNone, kScopeWorkload, "The runtime's own id, most often 64 hex digits."},
    FieldInfo{Field::kName, "name", kText, kNone, kScopeAny, "What people call it: container, VM, unit, device or interface name."},
    FieldInfo{Field::kImage, "image", kText, kNone, kScopeWorkload, "Image the runtime started it from."},
    FieldInfo{Field::kPod, "pod", kText, kNone, kScopeWorkload, "Kubernetes pod name."},
    FieldInfo{Field::kPodUid, "pod_uid", kText, kNone, kScopeWorkload, "Kubernetes pod uid, from the path."},
    FieldInfo{Field::kNamespace, "namespace", kText, kNone, kScopeWorkload, "Kubernetes or containerd namespace."},
    FieldInfo{Field::kContainer, "container", kText, kNone, kScopeWorkload, "Kubernetes container name."},
    FieldInfo{Field::kAgent, "agent", kText, kNone, kScopeWorkload, "Label that joins several workloads to one agent."},
    FieldInfo{Field::kOuterId, "outer_id", kText, kNone, kScopeWorkload, "Container that this nested one runs in."},
    FieldInfo{Field::kQos, "qos", kText, kNone, kScopeWorkload, "Kubernetes QoS class, from the path."},
    FieldInfo{Field::kVcpuIndex, "vcpu_index", kGauge, kNone, kScopeVcpu, "Number of the vCPU inside its VM."},
    FieldInfo{Field::kDevice, "device", kText, kNone, kScopeDevice, "Block device by number, as major:minor."},
    FieldInfo{Field::kHolder, "holder", kGauge, kNone, kScopeBlame, "Reference of the entity that held the CPU; 0 is the host."},
    FieldInfo{Field::kMap, "map", kText, kNone, kScopeLoss, "Where events were lost: the BPF map, ring or queue."},
    FieldInfo{Field::kReason, "reason", kText, kNone, kScopeAny, "Why: of a loss, a decision, a failure."},
    FieldInfo{Field::kGuestName, "guest_name", kText, kNone, kScopeWorkload, "Name of the VM as its VMM gives it."},
    FieldInfo{Field::kGuestUuid, "guest_uuid", kText, kNone, kScopeWorkload, "UUID of the VM as its VMM gives it."},
    FieldInfo{Field::kPid, "pid", kGauge, kNone, kScopeAny, "Process id in the host's namespace: VMM, victim, tool."},
    FieldInfo{Field::kGuestTitle, "guest_title", kText, kNone, kScopeWorkload, "Title of the VM as libvirt has it."},
    FieldInfo{Field::kCpuUsageNs, "cpu_usage_ns", kCounter, kNanoseconds, kScopeAny, "CPU time used, user and system."},
    FieldInfo{Field::kCpuUserNs, "cpu_user_ns", kCounter, kNanoseconds, kScopeAny, "CPU time in user mode."},
    FieldInfo{Field::kCpuSystemNs, "cpu_system_ns", kCounter, kNanoseconds, kScopeAny, "CPU time in kernel mode."},
    FieldInfo{Field::kCpuRanNs, "cpu_ran_ns", kCounter, kNanoseconds, kScopeWorkload, "CPU time booked by the scheduler hook; closes the gap after the last walk of a dead workload."},
    FieldInfo{Field::kCpuPeriods, "cpu_periods", kCounter, kCount, kScopeWorkload, "Quota periods in which the workload was runnable."},
    FieldInfo{Field::kCpuThrottledPeriods, "cpu_throttled_periods", kCounter, kCount, kScopeWorkload, "Quota periods in which it was throttled."},
    FieldInfo{Field::kCpuThrottledNs, "cpu_throttled_ns", kCounter, kNanoseconds, kScopeWorkload, "Time its run queues stood throttled, summed over CPUs (the kernel's throttled_time)."},
    FieldInfo{Field::kCpuBurstPeriods, "cpu_burst_periods", kCounter, kCount, kScopeWorkload, "Periods that used burst."},
    FieldInfo{Field::kCpuBurstNs, "cpu_burst_ns", kCounter, kNanoseconds, kScopeWorkload, "CPU time used above the quota out of burst."},
    FieldInfo{Field::kCpuPeak10msNs, "cpu_peak_10ms_ns", kPeak, kNanoseconds, kScopeWorkload, "Most CPU time used in a 10 ms window that ended inside the tick."},
    FieldInfo{Field::kCpuPeak100msNs, "cpu_peak_100ms_ns", kPeak, kNanoseconds, kScopeWorkload, "The same in 100 ms."},
    FieldInfo{Field::kCpuPeak1sNs, "cpu_peak_1s_ns", kPeak, kNanoseconds, kScopeWorkload, "The same in 1 s."},
    FieldInfo{Field::kRunQueueWait, "run_queue_wait", kHistogram, kNanoseconds, kScopeWorkload, "Time a runnable task waited for a CPU that somebody else used."},
    FieldInfo{Field::kOwnThrottleWait, "own_throttle_wait", kHistogram, kNanoseconds, kScopeWorkload, "Time a runnable task waited because its own quota was used up."},
    FieldInfo{Field::kPreemptedBySelf, "preempted_by_self", kCounter, kCount, kScopeWorkload, "Switches away from a runnable task to one of the same workload."},
    FieldInfo{Field::kPreemptedByOther, "preempted_by_other", kCounter, kCount, kScopeWorkload, "... to a task of another workload."},
    FieldInfo{Field::kPreemptedBySystem, "preempted_by_system", kCounter, kCount, kScopeWorkload, "... to a task of no workload: kernel threads, system slices."},
    FieldInfo{Field::kProcesses, "processes", kGauge, kCount, kScopeWorkload, "Processes."},
    FieldInfo{Field::kThreads, "threads", kGauge, kCount, kScopeWorkload, "Threads."},
    FieldInfo{Field::kBlameWaitNs, "blame_wait_ns", kCounter, kNanoseconds, kScopeBlame, "Time the parent workload waited while `holder` held the CPU."},
    FieldInfo{Field::kCpuQuotaNs, "cpu_quota_ns", kLimit, kNanoseconds, kScopeWorkload, "CPU time per period; cpu.max or cfs_quota_us."},
    FieldInfo{Field::kCpuPeriodNs, "cpu_period_ns", kLimit, kNanoseconds, kScopeWorkload, "Length of the quota period."},
    FieldInfo{Field::kCpuBurstLimitNs, "cpu_burst_limit_ns", kLimit, kNanoseconds, kScopeWorkload, "Unused quota that may be carried over; cpu.max.burst or cfs_burst_us."},
    FieldInfo{Field::kCpuWeight, "cpu_weight", kLimit, kCount, kScopeWorkload, "cpu.weight, 1 to 10000; on v1 cpu.shares converted by runc's formula."},
    FieldInfo{Field::kMemoryMinBytes, "memory_min_bytes", kLimit, kBytes, kScopeWorkload, "memory.min."},
    FieldInfo{Field::kMemoryLowBytes, "memory_low_bytes", kLimit, kBytes, kScopeWorkload, "memory.low."},
    FieldInfo{Field::kMemoryHighBytes, "memory_high_bytes", kLimit, kBytes, kScopeWorkload, "memory.high."},
    FieldInfo{Field::kMemoryMaxBytes, "memory_max_bytes", kLimit, kBytes, kScopeWorkload, "memory.max or limit_in_bytes."},
    FieldInfo{Field::kSwapMaxBytes, "swap_max_bytes", kLimit, kBytes, kScopeWorkload, "memory.swap.max, or memsw limit less the memory limit."},
    FieldInfo{Field::kPidsMax, "pids_max", kLimit, kCount, kScopeWorkload, "pids.max."},
    FieldInfo{Field::kMemoryUsageBytes, "memory_usage_bytes", kGauge, kBytes, kScopeAny, "All memory charged: memory.current or usage_in_bytes."},
    FieldInfo{Field::kMemoryAnonBytes, "memory_anon_bytes", kGauge, kBytes, kScopeWorkload, "Anonymous memory (cAdvisor: rss)."},
    FieldInfo{Field::kMemoryFileBytes, "memory_file_bytes", kGauge, kBytes, kScopeWorkload, "Page cache."},
    FieldInfo{Field::kMemoryInactiveFileBytes, "memory_inactive_file_bytes", kGauge, kBytes, kScopeWorkload, "Page cache on the inactive list; working set = usage less this."},
    FieldInfo{Field::kMemoryActiveFileBytes, "memory_active_file_bytes", kGauge, kBytes, kScopeWorkload, "Page cache on the active list."},
    FieldInfo{Field::kMemoryShmemBytes, "memory_shmem_bytes", kGauge, kBytes, kScopeWorkload, "Shared memory and tmpfs."},
    FieldInfo{Field::kMemoryMappedFileBytes, "memory_mapped_file_bytes", kGauge, kBytes, kScopeWorkload, "File pages mapped."},
    FieldInfo{Field::kMemoryKernelBytes, "memory_kernel_bytes", kGauge, kBytes, kScopeWorkload, "Kernel memory charged."},
    FieldInfo{Field::kMemoryUnevictableBytes, "memory_unevictable_bytes", kGauge, kBytes, kScopeWorkload, "Locked and otherwise unevictable."},
    FieldInfo{Field::kSwapUsageBytes, "swap_usage_bytes", kGauge, kBytes, kScopeWorkload, "Swap in use."},
    FieldInfo{Field::kMemoryTickPeakBytes, "memory_tick_peak_bytes", kPeak, kBytes, kScopeWorkload, "Highest use seen inside the tick."},
    FieldInfo{Field::kMemoryLifetimePeakBytes, "memory_lifetime_peak_bytes", kGauge, kBytes, kScopeWorkload, "Highest use since birth: memory.peak or max_usage_in_bytes."},
    FieldInfo{Field::kMemoryMinorFaults, "memory_minor_faults", kCounter, kCount, kScopeWorkload, "Page faults served without I/O."},
    FieldInfo{Field::kMemoryMajorFaults, "memory_major_faults", kCounter, kCount, kScopeWorkload, "Page faults that waited for I/O."},
    FieldInfo{Field::kMemoryRefaultAnon, "memory_refault_anon", kCounter, kCount, kScopeWorkload, "Anonymous pages reclaimed and wanted back soon."},
    FieldInfo{Field::kMemoryRefaultFile, "memory_refault_file", kCounter, kCount, kScopeWorkload, "File pages reclaimed and wanted back soon."},
    FieldInfo{Field::kMemoryScannedPages, "memory_scanned_pages", kCounter, kCount, kScopeWorkload, "Pages scanned by reclaim."},
    FieldInfo{Field::kMemoryReclaimedBytes, "memory_reclaimed_bytes", kCounter, kBytes, kScopeWorkload, "Memory that reclaim took."},
    FieldInfo{Field::kReclaimDirectWait, "reclaim_direct_wait", kHistogram, kNanoseconds, kScopeWorkload, "Time in direct reclaim because the host was short."},
    FieldInfo{Field::kReclaimMemcgWait, "reclaim_memcg_wait", kHistogram, kNanoseconds, kScopeWorkload, "Time in reclaim because the own limit was hit."},
    FieldInfo{Field::kMemoryLowEvents, "memory_low_events", kCounter, kCount, kScopeWorkload, "Reclaimed although below memory.low."},
    FieldInfo{Field::kMemoryHighEvents, "memory_high_events", kCounter, kCount, kScopeWorkload, "Went above memory.high and was slowed."},
    FieldInfo{Field::kMemoryMaxEvents, "memory_max_events", kCounter, kCount, kScopeWorkload, "Hit memory.max; on v1 failcnt."},
    FieldInfo{Field::kMemoryOomEvents, "memory_oom_events", kCounter, kCount, kScopeWorkload, "The limit was hit and reclaim failed."},
    FieldInfo{Field::kOomKills, "oom_kills", kCounter, kCount, kScopeAny, "Processes killed for lack of memory."},
    FieldInfo{Field::kMemoryUnderOom, "memory_under_oom", kGauge, kCount, kScopeWorkload, "1 while the group waits at its v1 limit."},
    FieldInfo{Field::kMemoryAvailableBytes, "memory_available_bytes", kGauge, kBytes, kScopeHost, "MemAvailable."},
    FieldInfo{Field::kMemoryTotalBytes, "memory_total_bytes", kGauge, kBytes, kScopeHost, "MemTotal."},
    FieldInfo{Field::kPressureCpuSomeNs, "pressure_cpu_some_ns", kCounter, kNanoseconds, kScopeAny, "At least one task stalled on a CPU."},
    FieldInfo{Field::kPressureCpuFullNs, "pressure_cpu_full_ns", kCounter, kNanoseconds, kScopeAny, "Every task stalled on a CPU."},
    FieldInfo{Field::kPressureMemorySomeNs, "pressure_memory_some_ns", kCounter, kNanoseconds, kScopeAny, "At least one task stalled on memory."},
    FieldInfo{Field::kPressureMemoryFullNs, "pressure_memory_full_ns", kCounter, kNanoseconds, kScopeAny, "Every task stalled on memory."},
    FieldInfo{Field::kPressureIoSomeNs, "pressure_io_some_ns", kCounter, kNanoseconds, kScopeAny, "At least one task stalled on I/O."},
    FieldInfo{Field::kPressureIoFullNs, "pressure_io_full_ns", kCounter, kNanoseconds, kScopeAny, "Every task stalled on I/O."},
    FieldInfo{Field::kIoReadBytes, "io_read_bytes", kCounter, kBytes, kScopeDevice, "Bytes read."},
    FieldInfo{Field::kIoWriteBytes, "io_write_bytes", kCounter, kBytes, kScopeDevice, "Bytes written."},
    FieldInfo{Field::kIoDiscardBytes, "io_discard_bytes", kCounter, kBytes, kScopeDevice, "Bytes discarded."},
    FieldInfo{Field::kIoReads, "io_reads", kCounter, kCount, kScopeDevice, "Read requests completed; the kernel may make one of several reads, or several of one."},
    FieldInfo{Field::kIoWrites, "io_writes", kCounter, kCount, kScopeDevice, "Write requests completed, zeroes written included."},
    FieldInfo{Field::kIoDiscards, "io_discards", kCounter, kCount, kScopeDevice, "Discard requests completed."},
    FieldInfo{Field::kIoFlushes, "io_flushes", kCounter, kCount, kScopeDevice, "Flushes asked for and completed; the device may have served several by one."},
    FieldInfo{Field::kIoReadLatency, "io_read_latency", kHistogram, kNanoseconds, kScopeDevice, "Time of read requests from their making to completion, the wait in an I/O scheduler included."},
    FieldInfo{Field::kIoWriteLatency, "io_write_latency", kHistogram, kNanoseconds, kScopeDevice, "The same of writes."},
    FieldInfo{Field::kIoDiscardLatency, "io_discard_latency", kHistogram, kNanoseconds, kScopeDevice, "The same of discards."},
    FieldInfo{Field::kIoUnattributedBytes, "io_unattributed_bytes", kCounter, kBytes, kScopeHost, "Bytes of requests that carry no cgroup or the root: writeback on cgroup v1, journals, processes in no group."},
    FieldInfo{Field::kNetworkReceiveBytes, "network_receive_bytes", kCounter, kBytes, kScopeInterface, "Bytes received."},
    FieldInfo{Field::kNetworkTransmitBytes, "network_transmit_bytes", kCounter, kBytes, kScopeInterface, "Bytes sent."},
    FieldInfo{Field::kNetworkReceivePackets, "network_receive_packets", kCounter, kCount, kScopeInterface, "Packets received."},
    FieldInfo{Field::kNetworkTransmitPackets, "network_transmit_packets", kCounter, kCount, kScopeInterface, "Packets sent."},
    FieldInfo{Field::kNetworkReceiveErrors, "network_receive_errors", kCounter, kCount, kScopeInterface, "Receive errors."},
    FieldInfo{Field::kNetworkTransmitErrors, "network_transmit_errors", kCounter, kCount, kScopeInterface, "Transmit errors."},
    FieldInfo{Field::kNetworkReceiveDrops, "network_receive_drops", kCounter, kCount, kScopeInterface, "Received packets dropped."},
    FieldInfo{Field::kNetworkTransmitDrops, "network_transmit_drops", kCounter, kCount, kScopeInterface, "Packets dropped while sending."},
    FieldInfo{Field::kVcpuTimeNs, "vcpu_time_ns", kCounter, kNanoseconds, kScopeVcpu, "CPU time of the vCPU thread."},
    FieldInfo{Field::kVcpuStealNs, "vcpu_steal_ns", kCounter, kNanoseconds, kScopeVcpu, "Time the vCPU thread was runnable and waited."},
    FieldInfo{Field::kVcpuHaltNs, "vcpu_halt_ns", kCounter, kNanoseconds, kScopeVcpu, "Time halted by the guest."},
    FieldInfo{Field::kVmExits, "vm_exits", kCounter, kCount, kScopeExit, "Exits to the hypervisor, by reason."},
    FieldInfo{Field::kVmExitNs, "vm_exit_ns", kCounter, kNanoseconds, kScopeExit, "Time between exit and entry, halts apart, by reason."},
    FieldInfo{Field::kVmVcpus, "vm_vcpus", kGauge, kCount, kScopeWorkload, "vCPUs plugged in."},
    FieldInfo{Field::kVmOverheadNs, "vm_overhead_ns", kCounter, kNanoseconds, kScopeWorkload, "CPU time of the VMM outside its vCPU threads."},
    FieldInfo{Field::kVmResidentBytes, "vm_resident_bytes", kGauge, kBytes, kScopeWorkload, "Resident memory of the VMM process."},
    FieldInfo{Field::kVmBalloonBytes, "vm_balloon_bytes", kGauge, kBytes, kScopeWorkload, "Memory the balloon leaves to the guest."},
    FieldInfo{Field::kVmMemoryMaxBytes, "vm_memory_max_bytes", kGauge, kBytes, kScopeWorkload, "Memory the guest was defined with."},
    FieldInfo{Field::kVmGuestAvailableBytes, "vm_guest_available_bytes", kGauge, kBytes, kScopeWorkload, "Memory the guest sees, as its balloon driver reports."},
    FieldInfo{Field::kVmGuestUnusedBytes, "vm_guest_unused_bytes", kGauge, kBytes, kScopeWorkload, "Memory the guest leaves empty, likewise."},
    FieldInfo{Field::kVmGuestUsableBytes, "vm_guest_usable_bytes", kGauge, kBytes, kScopeWorkload, "Memory the guest could use without swapping, likewise."},
    FieldInfo{Field::kProgram, "program", kText, kNone, kScopeTool, "Program and, where known, subcommand: \"npm install\"."},
    FieldInfo{Field::kCommandLine, "command_line", kText, kNone, kScopeTool, "The whole line, redacted; only if configured."},
    FieldInfo{Field::kSpanId, "span_id", kGauge, kNone, kScopeTool, "Identity of the span within the boot."},
    FieldInfo{Field::kParentSpanId, "parent_span_id", kGauge, kNone, kScopeTool, "Span that started this one."},
    FieldInfo{Field::kDurationNs, "duration_ns", kGauge, kNanoseconds, kScopeTool, "First exec inside the workload to exit."},
    FieldInfo{Field::kExitCode, "exit_code", kGauge, kNone, kScopeTool, "Status as wait(2) reports it."},
    FieldInfo{Field::kResidentPeakBytes, "resident_peak_bytes", kGauge, kBytes, kScopeTool, "Peak resident memory."},
    FieldInfo{Field::kCalls, "calls", kCounter, kCount, kScopeTool, "Spans that ended."},
    FieldInfo{Field::kCallDuration, "call_duration", kHistogram, kNanoseconds, kScopeTool, "Durations of the spans that ended."},
    FieldInfo{Field::kReadBytes, "read_bytes", kCounter, kBytes, kScopeTool, "Bytes read by its calls, from disk, cache, pipe or socket."},
    FieldInfo{Field::kWrittenBytes, "written_bytes", kCounter, kBytes, kScopeTool, "Bytes written by its calls."},
    FieldInfo{Field::kCpusOnline, "cpus_online", kGauge, kCount, kScopeHost, "CPUs online."},
    FieldInfo{Field::kCpusPossible, "cpus_possible", kGauge, kCount, kScopeHost, "CPUs that per-CPU values cover."},
    FieldInfo{Field::kWorkloadsTracked, "workloads_tracked", kGauge, kCount, kScopeHost, "Workloads with a slot."},
    FieldInfo{Field::kCgroupsWalked, "cgroups_walked", kCounter, kCount, kScopeHost, "Cgroups visited by the walk, all hierarchies."},
    FieldInfo{Field::kWalkNs, "walk_ns", kCounter, kNanoseconds, kScopeHost, "Time spent in the walk."},
    FieldInfo{Field::kTickNs, "tick_ns", kGauge, kNanoseconds, kScopeHost, "Duration of the last tick."},
    FieldInfo{Field::kTicksLate, "ticks_late", kCounter, kCount, kScopeHost, "Ticks that began over one period late."},
    FieldInfo{Field::kEventsLost, "events_lost", kCounter, kCount, kScopeLoss, "Events that could not be recorded."},
    FieldInfo{Field::kDecisionId, "decision_id", kGauge, kNone, kScopeDecision, "Number of the decision within the autoscaler's incarnation."},
    FieldInfo{Field::kMode, "mode", kText, kNone, kScopeDecision, "observe, recommend or auto."},
    FieldInfo{Field::kOutcome, "outcome", kText, kNone, kScopeDecision, "applied, recommended, held, refused, failed."},
    FieldInfo{Field::kBinding, "binding", kText, kNone, kScopeDecision, "Constraint that bound: demand, guarantee, ceiling, water_level, guard, ..."},
    FieldInfo{Field::kDemandCpuMillicores, "demand_cpu_millicores", kGauge, kMillicores, kScopeDecision, "Demand the forecast saw."},
    FieldInfo{Field::kDemandMemoryBytes, "demand_memory_bytes", kGauge, kBytes, kScopeDecision, "Demand the forecast saw."},
    FieldInfo{Field::kAllocatedCpuMillicores, "allocated_cpu_millicores", kGauge, kMillicores, kScopeDecision, "What the model gave."},
    FieldInfo{Field::kAllocatedMemoryBytes, "allocated_memory_bytes", kGauge, kBytes, kScopeDecision, "What the model gave."},
    FieldInfo{Field::kLimitCpuMillicores, "limit_cpu_millicores", kGauge, kMillicores, kScopeDecision, "Limit after the guards; kUnlimited: none."},
    FieldInfo{Field::kLimitMemoryBytes, "limit_memory_bytes", kGauge, kBytes, kScopeDecision, "Limit after the guards; kUnlimited: none."},
    FieldInfo{Field::kPreviousCpuMillicores, "previous_cpu_millicores", kGauge, kMillicores, kScopeDecision, "Limit in force before."},
    FieldInfo{Field::kPreviousMemoryBytes, "previous_memory_bytes", kGauge, kBytes, kScopeDecision, "Limit in force before."},
    FieldInfo{Field::kGuaranteeCpuMillicores, "guarantee_cpu_millicores", kGauge, kMillicores, kScopeDecision, "Input: never less."},
    FieldInfo{Field::kGuaranteeMemoryBytes, "guarantee_memory_bytes", kGauge, kBytes, kScopeDecision, "Input: never less."},
    FieldInfo{Field::kCeilingCpuMillicores, "ceiling_cpu_millicores", kGauge, kMillicores, kScopeDecision, "Input: never more."},
    FieldInfo{Field::kCeilingMemoryBytes, "ceiling_memory_bytes", kGauge, kBytes, kScopeDecision, "Input: never more."},
    FieldInfo{Field::kWeight, "weight", kReal, kNone, kScopeDecision, "Input: share per unit of water level."},
    FieldInfo{Field::kWaterLevelCpu, "water_level_cpu", kReal, kMillicores, kScopeDecision, "Millicores per unit of weight at which the host is full; infinite: nobody is short."},
    FieldInfo{Field::kWaterLevelMemory, "water_level_memory", kReal, kBytes, kScopeDecision, "Bytes per unit of weight at which the host is full."},
    FieldInfo{Field::kShadowPriceCpu, "shadow_price_cpu", kReal, kNone, kScopeDecision, "Objective gained per millicore more."},
    FieldInfo{Field::kShadowPriceMemory, "shadow_price_memory", kReal, kNone, kScopeDecision, "Objective gained per byte more."},
    FieldInfo{Field::kCapacityCpuMillicores, "capacity_cpu_millicores", kGauge, kMillicores, kScopeDecision, "R of the model."},
    FieldInfo{Field::kCapacityMemoryBytes, "capacity_memory_bytes", kGauge, kBytes, kScopeDecision, "M of the model."},
    FieldInfo{Field::kObjective, "objective", kReal, kNone, kScopeDecision, "Value of the model's objective."},
    FieldInfo{Field::kTrigger, "trigger", kText, kNone, kScopeDecision, "What woke the loop: tick, throttle_begin, memory_limit, ..."},
    FieldInfo{Field::kTriggerTimeNs, "trigger_time_ns", kGauge, kNanoseconds, kScopeDecision, "When the kernel first refused, CLOCK_BOOTTIME."},
    FieldInfo{Field::kWrittenTimeNs, "written_time_ns", kGauge, kNanoseconds, kScopeDecision, "When the limit stood in the file, CLOCK_BOOTTIME."},
    FieldInfo{Field::kFile, "file", kText, kNone, kScopeDecision, "Control file written."},
    FieldInfo{Field::kValueBefore, "value_before", kText, kNone, kScopeDecision, "Its content before."},
    FieldInfo{Field::kValueAfter, "value_after", kText, kNone, kScopeDecision, "Its content read back after."},
    FieldInfo{Field::kError, "error", kText, kNone, kScopeDecision, "What went wrong, in a sentence."},
    FieldInfo{Field::kLate, "late", kGauge, kCount, kScopeDecision, "1: the collector was away when this happened."},
    FieldInfo{Field::kOrigin, "origin", kText, kNone, kScopeDecision, "Who submitted the event: node, cluster, release."},
    FieldInfo{Field::kOomCause, "oom_cause", kText, kNone, kScopeEvent, "own_limit, ancestor or host."},
    FieldInfo{Field::kVictim, "victim", kText, kNone, kScopeEvent, "Command name of the process killed."},
    FieldInfo{Field::kVictimResidentBytes, "victim_resident_bytes", kGauge, kBytes, kScopeEvent, "Its resident memory."},
    FieldInfo{Field::kEventTimeNs, "event_time_ns", kGauge, kNanoseconds, kScopeEvent, "When it happened in the kernel, CLOCK_BOOTTIME; the header has when it was recorded."},
    FieldInfo{Field::kText, "text", kText, kNone, kScopeEvent, "One sentence for people."},
};
// clang-format on

constexpr bool TableIsSorted() {
  for (std::size_t i = 1; i < kFields.size(); ++i)
    if (kFields[i - 1].field >= kFields[i].field) return false;
  return static_cast<std::size_t>(kFields.back().field) <= kMaxFieldNumber;
}
static_assert(TableIsSorted());

// Number -> position in kFields; 0 where unassigned (field 0 does not exist).
constexpr auto kPosition = [] {
  std::array<std::uint16_t, kMaxFieldNumber + 1> position{};
  for (std::size_t i = 0; i < kFields.size(); ++i)
    position[static_cast<std::size_t>(kFields[i].field)] = static_cast<std::uint16_t>(i + 1);
  return position;
}();

}  // namespace

std::span<const FieldInfo> AllFields() {
  return kFields;
}

const FieldInfo* FindField(std::uint32_t number) {
  if (number > kMaxFieldNumber || kPosition[number] == 0) return nullptr;
  return &kFields[kPosition[number] - 1U];
}

const FieldInfo& InfoOf(Field field) {
  return *FindField(static_cast<std::uint32_t>(field));
}

std::optional<Field> FindFieldByName(std::string_view name) {
  const auto found = std::ranges::find(kFields, name, &FieldInfo::name);
  if (found == kFields.end()) return std::nullopt;
  return found->field;
}

}  // namespace ballast::model

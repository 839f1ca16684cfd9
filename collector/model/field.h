#pragma once

// Every quantity a record can carry: one name, one unit, one meaning, for the
// wire, the API, the metrics and the documentation. DESIGN: a field that this
// kernel or cgroup does not have is absent from a FieldSet, never zero.
//
// The numbers are part of the record format: append only, never reuse.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ballast::model {

enum class Field : std::uint16_t {
  // Identity of an entity. Texts; set at birth or when a runtime names it.
  kBootRelativeStartNs = 1,
  kCgroupId = 2,
  kHierarchyId = 3,
  kPath = 4,
  kRuntime = 5,
  kContainerId = 6,
  kName = 7,
  kImage = 8,
  kPod = 9,
  kPodUid = 10,
  kNamespace = 11,
  kContainer = 12,
  kAgent = 13,
  kOuterId = 14,
  kQos = 15,
  kVcpuIndex = 16,
  kDevice = 17,
  kHolder = 18,
  kMap = 19,
  kReason = 20,
  kGuestName = 21,
  kGuestUuid = 22,
  kPid = 23,
  kGuestTitle = 24,
  // CPU. Cumulative; peaks are of the tick.
  kCpuUsageNs = 30,
  kCpuUserNs = 31,
  kCpuSystemNs = 32,
  kCpuRanNs = 33,
  kCpuPeriods = 34,
  kCpuThrottledPeriods = 35,
  kCpuThrottledNs = 36,
  kCpuBurstPeriods = 37,
  kCpuBurstNs = 38,
  kCpuPeak10msNs = 39,
  kCpuPeak100msNs = 40,
  kCpuPeak1sNs = 41,
  kRunQueueWait = 42,
  kOwnThrottleWait = 43,
  kPreemptedBySelf = 44,
  kPreemptedByOther = 45,
  kPreemptedBySystem = 46,
  kProcesses = 47,
  kThreads = 48,
  kBlameWaitNs = 49,
  // Limits in force, read back from the kernel. kUnlimited: no limit. Absent: the controller is not
  // there.
  kCpuQuotaNs = 60,
  kCpuPeriodNs = 61,
  kCpuBurstLimitNs = 62,
  kCpuWeight = 63,
  kMemoryMinBytes = 64,
  kMemoryLowBytes = 65,
  kMemoryHighBytes = 66,
  kMemoryMaxBytes = 67,
  kSwapMaxBytes = 68,
  kPidsMax = 69,
  // Memory.
  kMemoryUsageBytes = 80,
  kMemoryAnonBytes = 81,
  kMemoryFileBytes = 82,
  kMemoryInactiveFileBytes = 83,
  kMemoryActiveFileBytes = 84,
  kMemoryShmemBytes = 85,
  kMemoryMappedFileBytes = 86,
  kMemoryKernelBytes = 87,
  kMemoryUnevictableBytes = 88,
  kSwapUsageBytes = 89,
  kMemoryTickPeakBytes = 90,
  kMemoryLifetimePeakBytes = 91,
  kMemoryMinorFaults = 92,
  kMemoryMajorFaults = 93,
  kMemoryRefaultAnon = 94,
  kMemoryRefaultFile = 95,
  kMemoryScannedPages = 96,
  kMemoryReclaimedBytes = 97,
  kReclaimDirectWait = 98,
  kReclaimMemcgWait = 99,
  kMemoryLowEvents = 100,
  kMemoryHighEvents = 101,
  kMemoryMaxEvents = 102,
  kMemoryOomEvents = 103,
  kOomKills = 104,
  kMemoryUnderOom = 105,
  kMemoryAvailableBytes = 106,
  kMemoryTotalBytes = 107,
  // Pressure. Cumulative stall time; the kernel brings the totals up to date every 2 s at the
  // latest.
  kPressureCpuSomeNs = 120,
  kPressureCpuFullNs = 121,
  kPressureMemorySomeNs = 122,
  kPressureMemoryFullNs = 123,
  kPressureIoSomeNs = 124,
  kPressureIoFullNs = 125,
  // Block I/O, per device; attributed by bio, never by the task that happened to run.
  kIoReadBytes = 140,
  kIoWriteBytes = 141,
  kIoDiscardBytes = 142,
  kIoReads = 143,
  kIoWrites = 144,
  kIoDiscards = 145,
  kIoFlushes = 146,
  kIoReadLatency = 147,
  kIoWriteLatency = 148,
  kIoDiscardLatency = 149,
  kIoUnattributedBytes = 150,
  // Network, per interface of the workload's namespace.
  kNetworkReceiveBytes = 160,
  kNetworkTransmitBytes = 161,
  kNetworkReceivePackets = 162,
  kNetworkTransmitPackets = 163,
  kNetworkReceiveErrors = 164,
  kNetworkTransmitErrors = 165,
  kNetworkReceiveDrops = 166,
  kNetworkTransmitDrops = 167,
  // Virtual machines. Scope host: what the VM costs; guest figures are never added to it.
  kVcpuTimeNs = 180,
  kVcpuStealNs = 181,
  kVcpuHaltNs = 182,
  kVmExits = 183,
  kVmExitNs = 184,
  kVmVcpus = 185,
  kVmOverheadNs = 186,
  kVmResidentBytes = 187,
  kVmBalloonBytes = 188,
  kVmMemoryMaxBytes = 189,
  kVmGuestAvailableBytes = 190,
  kVmGuestUnusedBytes = 191,
  kVmGuestUsableBytes = 192,
  // Tool calls: spans from exec to exit, and their sums per program.
  kProgram = 200,
  kCommandLine = 201,
  kSpanId = 202,
  kParentSpanId = 203,
  kDurationNs = 204,
  kExitCode = 205,
  kResidentPeakBytes = 206,
  kCalls = 207,
  kCallDuration = 208,
  kReadBytes = 209,
  kWrittenBytes = 210,
  // The host and the collector itself.
  kCpusOnline = 230,
  kCpusPossible = 231,
  kWorkloadsTracked = 232,
  kCgroupsWalked = 233,
  kWalkNs = 234,
  kTickNs = 235,
  kTicksLate = 236,
  kEventsLost = 237,
  // Deciding. Inputs and outcome of the last decision about a workload; kept in its state, so a key
  // carries them.
  kDecisionId = 260,
  kMode = 261,
  kOutcome = 262,
  kBinding = 263,
  kDemandCpuMillicores = 264,
  kDemandMemoryBytes = 265,
  kAllocatedCpuMillicores = 266,
  kAllocatedMemoryBytes = 267,
  kLimitCpuMillicores = 268,
  kLimitMemoryBytes = 269,
  kPreviousCpuMillicores = 270,
  kPreviousMemoryBytes = 271,
  kGuaranteeCpuMillicores = 272,
  kGuaranteeMemoryBytes = 273,
  kCeilingCpuMillicores = 274,
  kCeilingMemoryBytes = 275,
  kWeight = 276,
  kWaterLevelCpu = 277,
  kWaterLevelMemory = 278,
  kShadowPriceCpu = 279,
  kShadowPriceMemory = 280,
  kCapacityCpuMillicores = 281,
  kCapacityMemoryBytes = 282,
  kObjective = 283,
  kTrigger = 284,
  kTriggerTimeNs = 285,
  kWrittenTimeNs = 286,
  kFile = 287,
  kValueBefore = 288,
  kValueAfter = 289,
  kError = 290,
  kLate = 291,
  kOrigin = 292,
  // Events: what they carry beside the fields above.
  kOomCause = 310,
  kVictim = 311,
  kVictimResidentBytes = 312,
  kEventTimeNs = 313,
  kText = 314,
};

enum class FieldType : std::uint8_t {
  kCounter,    // only rises while the entity lives; subtract two readings
  kGauge,      // as it is now
  kPeak,       // highest inside the tick; not a state
  kLimit,      // a setting; kUnlimited where none is set
  kReal,       // a gauge that is not a whole number
  kHistogram,  // Histogram
  kText,       // UTF-8, at most kMaxTextBytes
};

enum class FieldUnit : std::uint8_t { kNone, kCount, kNanoseconds, kBytes, kMillicores };

// Which entities or events a field describes; documentation, not enforcement.
enum class FieldScope : std::uint8_t {
  kScopeAny,
  kScopeHost,
  kScopeWorkload,
  kScopeDevice,
  kScopeInterface,
  kScopeVcpu,
  kScopeExit,
  kScopeBlame,
  kScopeTool,
  kScopeLoss,
  kScopeDecision,
  kScopeEvent,
};

struct FieldInfo {
  Field field;
  std::string_view name;
  FieldType type;
  FieldUnit unit;
  FieldScope scope;
  std::string_view help;
};

// A limit that is not set: "max", or -1 in v1 files.
inline constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
// Longer texts are cut at a character by whoever sets them.
inline constexpr std::size_t kMaxTextBytes = 4096;
// Numbers above this are never assigned: bounds dense tables.
inline constexpr std::size_t kMaxFieldNumber = 511;

std::span<const FieldInfo> AllFields();
// nullptr: a number this build does not know (a newer writer's).
const FieldInfo* FindField(std::uint32_t number);
// Requires: an enumerator.
const FieldInfo& InfoOf(Field field);
std::optional<Field> FindFieldByName(std::string_view name);

}  // namespace ballast::model

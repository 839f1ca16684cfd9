#include "collector/source/cgroupfs/control_files.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "collector/source/cgroupfs/control_text.h"

namespace ballast::source {
namespace {

using model::Field;
using model::FieldSet;
using Text = std::string_view;

constexpr std::uint64_t kNsPerUs = 1'000;

// One value, one field.
template <Field kField, std::uint64_t kFactor = 1>
void Number(Text text, FieldSet& out) {
  out.Set(kField, Scaled(ParseNumber(text), kFactor));
}
template <Field kField>
void Limit(Text text, FieldSet& out) {
  out.Set(kField, ParseLimit(text));
}
template <Field kField, std::uint64_t kFactor = 1>
void V1Limit(Text text, FieldSet& out) {
  const auto limit = ParseV1Limit(text);
  out.Set(kField, limit == model::kUnlimited ? limit : Scaled(limit, kFactor));
}

struct KeyedField {
  Text key;
  Field field;
  std::uint64_t factor = 1;
};

template <const auto& kKeys>
void Keyed(Text text, FieldSet& out) {
  ForEachKeyed(text, [&](Text key, std::uint64_t value) {
    const auto found = std::ranges::find(kKeys, key, &KeyedField::key);
    if (found != kKeys.end()) out.Set(found->field, Scaled(value, found->factor));
  });
}

// What Keyed<kKeys> may set.
template <const auto& kKeys>
constexpr auto kFieldsOf = [] {
  std::array<Field, kKeys.size()> fields{};
  for (std::size_t i = 0; i < kKeys.size(); ++i) fields[i] = kKeys[i].field;
  return fields;
}();

template <Field... kOne>
constexpr std::array<Field, sizeof...(kOne)> kOnly{kOne...};

constexpr std::array kCpuStat = {
    KeyedField{"usage_usec", Field::kCpuUsageNs, kNsPerUs},
    KeyedField{"user_usec", Field::kCpuUserNs, kNsPerUs},
    KeyedField{"system_usec", Field::kCpuSystemNs, kNsPerUs},
    KeyedField{"nr_periods", Field::kCpuPeriods},
    KeyedField{"nr_throttled", Field::kCpuThrottledPeriods},
    KeyedField{"throttled_usec", Field::kCpuThrottledNs, kNsPerUs},
    KeyedField{"nr_bursts", Field::kCpuBurstPeriods},
    KeyedField{"burst_usec", Field::kCpuBurstNs, kNsPerUs},
};
constexpr std::array kV1CpuStat = {
    KeyedField{"nr_periods", Field::kCpuPeriods},
    KeyedField{"nr_throttled", Field::kCpuThrottledPeriods},
    KeyedField{"throttled_time", Field::kCpuThrottledNs},
    KeyedField{"nr_bursts", Field::kCpuBurstPeriods},
    KeyedField{"burst_time", Field::kCpuBurstNs},
};
constexpr std::array kMemoryEvents = {
    KeyedField{"low", Field::kMemoryLowEvents}, KeyedField{"high", Field::kMemoryHighEvents},
    KeyedField{"max", Field::kMemoryMaxEvents}, KeyedField{"oom", Field::kMemoryOomEvents},
    KeyedField{"oom_kill", Field::kOomKills},
};
constexpr std::array kOomControl = {
    KeyedField{"under_oom", Field::kMemoryUnderOom},
    KeyedField{"oom_kill", Field::kOomKills},  // since 4.13
};
// Faults and pages are completed by FinishMemoryStat.
constexpr std::array kMemoryStat = {
    KeyedField{"anon", Field::kMemoryAnonBytes},
    KeyedField{"file", Field::kMemoryFileBytes},
    KeyedField{"kernel", Field::kMemoryKernelBytes},  // since 5.18
    KeyedField{"shmem", Field::kMemoryShmemBytes},
    KeyedField{"file_mapped", Field::kMemoryMappedFileBytes},
    KeyedField{"inactive_file", Field::kMemoryInactiveFileBytes},
    KeyedField{"active_file", Field::kMemoryActiveFileBytes},
    KeyedField{"unevictable", Field::kMemoryUnevictableBytes},
    KeyedField{"pgfault", Field::kMemoryMinorFaults},
    KeyedField{"pgmajfault", Field::kMemoryMajorFaults},
    KeyedField{"workingset_refault_anon", Field::kMemoryRefaultAnon},
    KeyedField{"workingset_refault_file", Field::kMemoryRefaultFile},
    KeyedField{"pgscan", Field::kMemoryScannedPages},
    KeyedField{"pgsteal", Field::kMemoryReclaimedBytes},
};
// total_: with the groups below, as everything else here is.
constexpr std::array kV1MemoryStat = {
    KeyedField{"total_rss", Field::kMemoryAnonBytes},
    KeyedField{"total_cache", Field::kMemoryFileBytes},
    KeyedField{"total_shmem", Field::kMemoryShmemBytes},
    KeyedField{"total_mapped_file", Field::kMemoryMappedFileBytes},
    KeyedField{"total_inactive_file", Field::kMemoryInactiveFileBytes},
    KeyedField{"total_active_file", Field::kMemoryActiveFileBytes},
    KeyedField{"total_unevictable", Field::kMemoryUnevictableBytes},
    KeyedField{"total_swap", Field::kSwapUsageBytes},
    KeyedField{"total_pgfault", Field::kMemoryMinorFaults},
    KeyedField{"total_pgmajfault", Field::kMemoryMajorFaults},
    KeyedField{"total_workingset_refault_anon", Field::kMemoryRefaultAnon},
    KeyedField{"total_workingset_refault_file", Field::kMemoryRefaultFile},
};

// The kernel's pgfault counts major faults too, and pgsteal counts pages.
void FinishMemoryStat(FieldSet& out) {
  const auto all = out.Get(Field::kMemoryMinorFaults);
  const auto major = out.Get(Field::kMemoryMajorFaults);
  if (all && major && *all >= *major)
    out.Set(Field::kMemoryMinorFaults, *all - *major);
  else
    out.Clear(Field::kMemoryMinorFaults);
  if (const auto stolen = out.Get(Field::kMemoryReclaimedBytes)) {
    out.Clear(Field::kMemoryReclaimedBytes);
    out.Set(Field::kMemoryReclaimedBytes,
            Scaled(stolen, static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))));
  }
}

template <const auto& kKeys>
void MemoryStat(Text text, FieldSet& out) {
  Keyed<kKeys>(text, out);
  FinishMemoryStat(out);
}

void CpuMaxFile(Text text, FieldSet& out) {
  const auto max = ParseCpuMax(text);
  if (!max) return;
  out.Set(Field::kCpuQuotaNs,
          max->quota_us == model::kUnlimited ? max->quota_us : Scaled(max->quota_us, kNsPerUs));
  out.Set(Field::kCpuPeriodNs, Scaled(max->period_us, kNsPerUs));
}

void Shares(Text text, FieldSet& out) {
  if (const auto shares = ParseNumber(text)) out.Set(Field::kCpuWeight, WeightFromShares(*shares));
}

// "user 12\nsystem 3": in USER_HZ, which is 100 for every program (proc_stat(5)).
void V1CpuAcctStat(Text text, FieldSet& out) {
  constexpr std::uint64_t kNsPerTick = 10'000'000;
  ForEachKeyed(text, [&](Text key, std::uint64_t ticks) {
    if (key == "user") out.Set(Field::kCpuUserNs, Scaled(ticks, kNsPerTick));
    if (key == "system") out.Set(Field::kCpuSystemNs, Scaled(ticks, kNsPerTick));
  });
}

template <Field kSome, Field kFull>
void PressureFile(Text text, FieldSet& out) {
  const Pressure pressure = ParsePressure(text);
  out.Set(kSome, Scaled(pressure.some_us, kNsPerUs));
  out.Set(kFull, Scaled(pressure.full_us, kNsPerUs));
}

// table. Limits that the autoscaler moves are read every tick: a limit that
// another hand changed must be seen within one.
constexpr auto kTick = Cadence::kEveryTick;
constexpr auto kSlow = Cadence::kSlow;
constexpr auto kUse = Cadence::kUse;
constexpr std::array kFiles = {
    ControlFile{"cpuacct", "cpuacct.usage", kTick, kOnly<Field::kCpuUsageNs>,
                Number<Field::kCpuUsageNs>},
    ControlFile{"cpuacct", "cpuacct.usage_user", kTick, kOnly<Field::kCpuUserNs>,
                Number<Field::kCpuUserNs>},
    ControlFile{"cpuacct", "cpuacct.usage_sys", kTick, kOnly<Field::kCpuSystemNs>,
                Number<Field::kCpuSystemNs>},
    ControlFile{"cpuacct", "cpuacct.stat", kTick, kOnly<Field::kCpuUserNs, Field::kCpuSystemNs>,
                V1CpuAcctStat},
    ControlFile{"cpu", "cpu.stat", kTick, kFieldsOf<kV1CpuStat>, Keyed<kV1CpuStat>},
    ControlFile{"cpu", "cpu.cfs_quota_us", kTick, kOnly<Field::kCpuQuotaNs>,
                V1Limit<Field::kCpuQuotaNs, kNsPerUs>},
    ControlFile{"cpu", "cpu.cfs_period_us", kTick, kOnly<Field::kCpuPeriodNs>,
                Number<Field::kCpuPeriodNs, kNsPerUs>},
    ControlFile{"cpu", "cpu.cfs_burst_us", kSlow, kOnly<Field::kCpuBurstLimitNs>,
                Number<Field::kCpuBurstLimitNs, kNsPerUs>},
    ControlFile{"cpu", "cpu.shares", kSlow, kOnly<Field::kCpuWeight>, Shares},
    ControlFile{"memory", "memory.usage_in_bytes", kTick, kOnly<Field::kMemoryUsageBytes>,
                Number<Field::kMemoryUsageBytes>},
    ControlFile{"memory", "memory.limit_in_bytes", kTick, kOnly<Field::kMemoryMaxBytes>,
                V1Limit<Field::kMemoryMaxBytes>},
    ControlFile{"memory", "memory.failcnt", kTick, kOnly<Field::kMemoryMaxEvents>,
                Number<Field::kMemoryMaxEvents>},
    ControlFile{"memory", "memory.oom_control", kTick, kFieldsOf<kOomControl>, Keyed<kOomControl>},
    ControlFile{"memory", "memory.max_usage_in_bytes", kSlow,
                kOnly<Field::kMemoryLifetimePeakBytes>, Number<Field::kMemoryLifetimePeakBytes>},
    ControlFile{"memory", "memory.kmem.usage_in_bytes", kUse, kOnly<Field::kMemoryKernelBytes>,
                Number<Field::kMemoryKernelBytes>},
    ControlFile{"memory", "memory.stat", kUse, kFieldsOf<kV1MemoryStat>, MemoryStat<kV1MemoryStat>},
    ControlFile{"pids", "pids.current", kUse, kOnly<Field::kThreads>, Number<Field::kThreads>},
    ControlFile{"pids", "pids.max", kSlow, kOnly<Field::kPidsMax>, Limit<Field::kPidsMax>},
    ControlFile{"", "cpu.stat", kTick, kFieldsOf<kCpuStat>, Keyed<kCpuStat>},
    ControlFile{"", "cpu.max", kTick, kOnly<Field::kCpuQuotaNs, Field::kCpuPeriodNs>, CpuMaxFile},
    ControlFile{"", "cpu.max.burst", kSlow, kOnly<Field::kCpuBurstLimitNs>,
                Number<Field::kCpuBurstLimitNs, kNsPerUs>},
    ControlFile{"", "cpu.weight", kSlow, kOnly<Field::kCpuWeight>, Number<Field::kCpuWeight>},
    ControlFile{"", "memory.current", kTick, kOnly<Field::kMemoryUsageBytes>,
                Number<Field::kMemoryUsageBytes>},
    ControlFile{"", "memory.max", kTick, kOnly<Field::kMemoryMaxBytes>,
                Limit<Field::kMemoryMaxBytes>},
    ControlFile{"", "memory.high", kTick, kOnly<Field::kMemoryHighBytes>,
                Limit<Field::kMemoryHighBytes>},
    ControlFile{"", "memory.events", kTick, kFieldsOf<kMemoryEvents>, Keyed<kMemoryEvents>},
    ControlFile{"", "memory.low", kSlow, kOnly<Field::kMemoryLowBytes>,
                Limit<Field::kMemoryLowBytes>},
    ControlFile{"", "memory.min", kSlow, kOnly<Field::kMemoryMinBytes>,
                Limit<Field::kMemoryMinBytes>},
    ControlFile{"", "memory.peak", kSlow, kOnly<Field::kMemoryLifetimePeakBytes>,
                Number<Field::kMemoryLifetimePeakBytes>},
    ControlFile{"", "memory.swap.current", kSlow, kOnly<Field::kSwapUsageBytes>,
                Number<Field::kSwapUsageBytes>},
    ControlFile{"", "memory.swap.max", kSlow, kOnly<Field::kSwapMaxBytes>,
                Limit<Field::kSwapMaxBytes>},
    ControlFile{"", "memory.stat", kUse, kFieldsOf<kMemoryStat>, MemoryStat<kMemoryStat>},
    ControlFile{"", "pids.current", kUse, kOnly<Field::kThreads>, Number<Field::kThreads>},
    ControlFile{"", "pids.max", kSlow, kOnly<Field::kPidsMax>, Limit<Field::kPidsMax>},
    ControlFile{"", "cpu.pressure", kTick,
                kOnly<Field::kPressureCpuSomeNs, Field::kPressureCpuFullNs>,
                PressureFile<Field::kPressureCpuSomeNs, Field::kPressureCpuFullNs>},
    ControlFile{"", "memory.pressure", kTick,
                kOnly<Field::kPressureMemorySomeNs, Field::kPressureMemoryFullNs>,
                PressureFile<Field::kPressureMemorySomeNs, Field::kPressureMemoryFullNs>},
    ControlFile{"", "io.pressure", kTick, kOnly<Field::kPressureIoSomeNs, Field::kPressureIoFullNs>,
                PressureFile<Field::kPressureIoSomeNs, Field::kPressureIoFullNs>},
};

}  // namespace

std::span<const ControlFile> ControlFiles() {
  return kFiles;
}

}  // namespace ballast::source

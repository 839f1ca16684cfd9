#pragma once

// Names of the control files that are written, and what the parts of the file
// actuator share about them. Internal to this folder.

#include <cstdint>
#include <optional>
#include <string>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/actuate/control_dir.h"

namespace ballast::actuate {

inline constexpr const char* kQuota = "cpu.cfs_quota_us";
inline constexpr const char* kPeriod = "cpu.cfs_period_us";
inline constexpr const char* kBurstV1 = "cpu.cfs_burst_us";
inline constexpr const char* kShares = "cpu.shares";
inline constexpr const char* kCpuMax = "cpu.max";
inline constexpr const char* kBurstV2 = "cpu.max.burst";
inline constexpr const char* kWeight = "cpu.weight";
inline constexpr const char* kLimitV1 = "memory.limit_in_bytes";
inline constexpr const char* kSwapLimitV1 = "memory.memsw.limit_in_bytes";
inline constexpr const char* kUsageV1 = "memory.usage_in_bytes";
inline constexpr const char* kSwapUsageV1 = "memory.memsw.usage_in_bytes";
inline constexpr const char* kOomControl = "memory.oom_control";
inline constexpr const char* kUseHierarchy = "memory.use_hierarchy";
inline constexpr const char* kLow = "memory.low";
inline constexpr const char* kHigh = "memory.high";
inline constexpr const char* kMemoryMax = "memory.max";
inline constexpr const char* kFreezeV2 = "cgroup.freeze";
inline constexpr const char* kEventsV2 = "cgroup.events";
inline constexpr const char* kFreezerV1 = "freezer.state";
inline constexpr const char* kUsageV2 = "memory.current";

// What is read as "oom_kill_disable 0\nunder_oom 0\n..." is written as "0", and a group on its way
// ("FREEZING") as where it goes.
std::string Writable(std::string_view file, const std::string& text);

Actuation Refused(const ControlDir* dir, const char* file, std::string why);
Actuation FailedBy(const ControlDir& dir, const char* file, const Error& error);
Result<std::int64_t> ReadNumber(const ControlDir& dir, const char* file);
// A finite limit; nullopt: none is set, the file is missing or not understood.
std::optional<std::int64_t> ReadLimit(const ControlDir& dir, const char* file);

// What the group holds after an actuation: what was read last.
const std::string& Holds(const Actuation& done);
bool IsDone(const Actuation& done);

}  // namespace ballast::actuate

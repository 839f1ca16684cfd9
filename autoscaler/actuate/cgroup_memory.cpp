// Memory limits of the file actuator: a group's own, the pool's, guarantees,
// and waiting at the limit.

#include <fmt/format.h>

#include <algorithm>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/actuate/cgroup_files.h"
#include "autoscaler/actuate/limit_text.h"

namespace ballast::actuate {
namespace {

// memory.max stays so far above memory.high: the kernel slows a group between
// the two, and 64 MiB are 20 ms of the fastest burst seen (3 GB/s).
std::int64_t RoomAboveHigh(std::int64_t high) {
  return std::max<std::int64_t>(high / 4, std::int64_t{64} << 20);
}

// Empty: what is used fits below `target`.
std::optional<Actuation> WhyNot(const ControlDir& dir, const char* usage_file, const char* file,
                                std::int64_t target) {
  const auto used = ReadNumber(dir, usage_file);
  if (!used) return FailedBy(dir, usage_file, used.error());
  if (target >= *used) return std::nullopt;
  return Refused(&dir, file, fmt::format("{} bytes are in use, above {}", *used, target));
}

}  // namespace

void CgroupActuator::Adopted::TakeOriginals(const std::vector<Original>& originals) {
  std::optional<std::int64_t> limit, with_swap;
  for (const Original& original : originals) {
    const auto bytes = ParseMemoryLimit(original.value).value_or(std::nullopt);
    if (!bytes) continue;
    if (original.file == kSwapLimitV1) with_swap = bytes;
    if (original.file == kLimitV1 || original.file == kHigh || original.file == kMemoryMax)
      limit = std::min(limit.value_or(*bytes), *bytes);
  }
  const bool has_memory = std::ranges::any_of(originals, [](const Original& original) {
    return original.file == kLimitV1 || original.file == kHigh;
  });
  if (has_memory) original_memory = limit;  // v1's CPU files have none to say
  if (limit && with_swap) swap_allowance = std::max<std::int64_t>(0, *with_swap - *limit);
}

Actuation CgroupActuator::SetMemory(Adopted& adopted, std::int64_t bytes) {
  return adopted.memory_v2 ? SetMemoryV2(adopted, bytes) : SetMemoryV1(adopted, bytes);
}

// memory + swap may not stand below memory: it rises first and falls last. The
// group keeps the swap it was given: as much above the memory limit as before.
Actuation CgroupActuator::SetMemoryV1(Adopted& adopted, std::int64_t bytes) {
  const ControlDir& dir = *adopted.memory;
  const std::int64_t target = WholePages(bytes);
  if (auto refused = WhyNot(dir, kUsageV1, kLimitV1, target)) return *refused;
  const auto with_swap = dir.Has(kSwapLimitV1) ? ReadLimit(dir, kSwapLimitV1) : std::nullopt;
  const std::int64_t wanted = target + adopted.swap_allowance;
  const auto set_with_swap = [&] {
    return WriteChecked(adopted, dir, kSwapLimitV1, std::to_string(wanted));
  };
  if (with_swap && *with_swap < wanted)
    if (Actuation raised = set_with_swap(); !IsDone(raised)) return raised;
  Actuation done = WriteChecked(adopted, dir, kLimitV1, std::to_string(target));
  done.in_force = ParseMemoryLimit(Holds(done)).value_or(std::nullopt);
  // What is swapped out already may stand above it; then it stays until that is gone.
  if (IsDone(done) && with_swap && *with_swap > wanted && !WhyNot(dir, kSwapUsageV1, "", wanted))
    if (const Actuation lowered = set_with_swap(); !IsDone(lowered)) done.error = lowered.error;
  return done;
}

Actuation CgroupActuator::SetMemoryV2(Adopted& adopted, std::int64_t bytes) {
  const ControlDir& dir = *adopted.memory;
  const std::int64_t target = WholePages(bytes);
  if (auto refused = WhyNot(dir, kUsageV2, kHigh, target)) return *refused;
  const auto text = dir.Read(kMemoryMax);
  if (!text) return FailedBy(dir, kMemoryMax, text.error());
  const auto hard = ParseMemoryLimit(*text).value_or(std::nullopt);
  // A pool's memory.max is what the host's owner gives at most; the pool stays below it.
  if (!adopted.is_pool && hard && *hard < target + RoomAboveHigh(target)) {
    Actuation raised = WriteChecked(adopted, dir, kMemoryMax,
                                    std::to_string(WholePages(target + RoomAboveHigh(target))));
    if (!IsDone(raised)) return raised;
  }
  Actuation done = WriteChecked(adopted, dir, kHigh, std::to_string(target));
  done.in_force = ParseMemoryLimit(Holds(done)).value_or(std::nullopt);
  return done;
}

Actuation CgroupActuator::SetMemoryPool(Adopted& pool, std::int64_t bytes) {
  if (!pool.is_pool)
    return Refused(nullptr, "", pool.path + ": is not the group that was named as the pool");
  return SetMemory(pool, std::min(bytes, pool.original_memory.value_or(bytes)));
}

Actuation CgroupActuator::SetMemoryGuarantee(Adopted& adopted, std::int64_t bytes) {
  // v1's soft limit is no guarantee: it counts only when the whole host reclaims.
  if (!adopted.memory_v2 || !adopted.memory->Has(kLow)) {
    Actuation nothing;
    nothing.outcome = Outcome::kUnchanged;
    return nothing;
  }
  Actuation done = WriteChecked(adopted, *adopted.memory, kLow, std::to_string(WholePages(bytes)));
  done.in_force = ParseMemoryLimit(Holds(done)).value_or(std::nullopt);
  return done;
}

Actuation CgroupActuator::SetMemoryWait(Adopted& adopted, bool wait) {
  Actuation done;
  if (adopted.memory_v2) {  // memory.high slows a group; there is nothing to switch
    done.outcome = Outcome::kUnchanged;
    return done;
  }
  done = WriteChecked(adopted, *adopted.memory, kOomControl, wait ? "1" : "0");
  done.in_force = Holds(done) == "1" ? 1 : 0;
  return done;
}

}  // namespace ballast::actuate

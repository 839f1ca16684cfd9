#include "collector/base/priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "collector/base/file.h"

namespace ballast {
namespace {

// The kernel's struct sched_attr, version 0 (sched_setattr(2)); glibc has it only since 2.41.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  // of SCHED_OTHER: the slice
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// The least that the kernel takes (v6.12, __setparam_fair).
constexpr std::uint64_t kSliceNs = 100'000;

}  // namespace

Result<> RunSoon(int nice) {
  const int nice_error = ::setpriority(PRIO_PROCESS, 0, nice) == 0 ? 0 : errno;
  // Absent or not in use where the host has no such groups, or the process a cgroup of its own.
  static_cast<void>(WriteControlFile("/proc/self/autogroup", std::to_string(nice)).has_value());
  SchedulingAttributes wanted;
  wanted.nice = ::getpriority(PRIO_PROCESS, 0);
  wanted.runtime_ns = kSliceNs;
  if (::syscall(SYS_sched_setattr, 0, &wanted, 0) != 0)
    return Error::FromErrno(errno, "short time slices");
  if (nice_error != 0) return Error::FromErrno(nice_error, "a higher priority");
  return Ok();
}

}  // namespace ballast

// A day of simulated operation without growth: agents that come and go, tool calls, refusals by
// the kernel. What is held on the heap late in the day is no more than early in it, but for a small
// bound. In every run a small host in steps of a second; with BALLAST_LONG=1 (./dev test long) a
// whole host at the loop's own pace, ten steps a second, and the process's resident memory as well.

#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "autoscaler/simulate/policy.h"
#include "autoscaler/simulate/synthetic.h"
#include "collector/base/log.h"

namespace ballast::simulate {
namespace {

bool IsLong() {
  return std::getenv("BALLAST_LONG") != nullptr;
}

// Allocated and not freed, also what is too large for the heap.
std::size_t HeapBytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The highest of both in one hour of the day: tasks come and go, and so does what they need.
struct Held {
  int hour = 0;
  std::size_t heap = 0;
  std::size_t resident = 0;
};

class DayTest : public ::testing::TestWithParam<const char*> {};

TEST_P(DayTest, ADayOfOperationHoldsNoMoreThanItsFirstHours) {
  SetLogLevel(LogLevel::kError);
  const std::vector<Trace> traces = MakeSynthetic({.count = 30, .seed = 2});
  PolicyOptions options;
  options.history = &traces;
  options.host = {.agents = 6, .step_seconds = 1};
  if (IsLong()) options.host = {.agents = 64};
  auto policy = MakePolicy(GetParam(), options, traces);
  ASSERT_TRUE(policy);
  Host host(options.host, traces);
  std::vector<Held> held{{1, 0, 0}, {3, 0, 0}, {6, 0, 0}, {12, 0, 0}, {24, 0, 0}};
  std::size_t tools = 0;
  std::size_t refusals = 0;

  auto hour = held.begin();
  while (host.now() < 24 * 3600) {
    host.Step();
    (*policy)->Act(host);
    tools += host.tools().size();
    for (const Agent& agent : host.agents())
      refusals += (agent.cpu_refused ? 1U : 0U) + (agent.memory_refused ? 1U : 0U);
    refusals += host.pool_refused() ? 1 : 0;
    if (host.now() > hour->hour * 3600) ++hour;
    if (hour == held.end()) break;
    if (host.now() < (hour->hour - 1) * 3600 || static_cast<int>(host.now() * 10) % 100 != 0)
      continue;
    hour->heap = std::max(hour->heap, HeapBytes());
    hour->resident = std::max(hour->resident, ResidentBytes());
  }

  for (const Held& one : held)
    std::printf("hour %2d: %9.3f MB on the heap, %7.2f MB resident\n", one.hour,
                static_cast<double>(one.heap) / 1e6, static_cast<double>(one.resident) / 1e6);
  std::printf("%zu tasks, %zu tool calls began or ended, %zu steps with a refusal\n",
              host.totals().tasks, tools, refusals);
  EXPECT_GT(host.totals().tasks, IsLong() ? 5000U : 500U);
  EXPECT_GT(tools, 1000U);
  EXPECT_GT(refusals, 100U);
  // By the third hour every histogram has met what it will meet. The bound is for the tasks that
  // run at that moment: what one of them holds, with its records, is some kilobytes.
  constexpr std::size_t kOfTheMoment = 64 << 10;
  const Held& early = held[1];
  for (std::size_t i = 2; i < held.size(); ++i) {
    EXPECT_LE(held[i].heap, early.heap + kOfTheMoment) << "hour " << held[i].hour;
    // The heap keeps pages that it may use again.
    EXPECT_LE(held[i].resident, early.resident + (std::size_t{1} << 20)) << "hour " << held[i].hour;
  }
}
INSTANTIATE_TEST_SUITE_P(Policies, DayTest, ::testing::Values("ballast", "ballast-limits"),
                         [](const auto& policy) {
                           return policy.index == 0 ? std::string("pool") : std::string("limits");
                         });

}  // namespace
}  // namespace ballast::simulate

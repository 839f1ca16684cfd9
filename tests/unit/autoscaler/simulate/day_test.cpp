// A day of simulated operation without growth: what the loop holds on the heap after the last
// hour is no more than after an early one. Steps of a second, so that a day is quick.

#include <gtest/gtest.h>
#include <malloc.h>

#include "autoscaler/simulate/policy.h"
#include "autoscaler/simulate/synthetic.h"
#include "collector/base/log.h"

namespace ballast::simulate {
namespace {

TEST(DayTest, ADayOfOperationHoldsNoMoreThanItsFirstHours) {
  SetLogLevel(LogLevel::kError);
  const std::vector<Trace> traces = MakeSynthetic({.count = 30, .seed = 2});
  PolicyOptions options;
  options.host = {.agents = 6, .step_seconds = 1};
  auto policy = MakePolicy("ballast", options, traces);
  ASSERT_TRUE(policy);
  Host host(options.host, traces);
  std::size_t early = 0;
  std::size_t late = 0;

  while (host.now() < 24 * 3600) {
    host.Step();
    (*policy)->Act(host);
    // Allocated and not freed, highest within an hour: tasks come and go.
    std::size_t& held = host.now() < 3 * 3600 ? early : late;
    if (host.now() < 2 * 3600 || (host.now() > 3 * 3600 && host.now() < 23 * 3600)) continue;
    if (static_cast<int>(host.now()) % 10 == 0) held = std::max(held, ::mallinfo2().uordblks);
  }

  EXPECT_GT(host.totals().tasks, 500U);
  EXPECT_LT(late, early + early / 4) << "bytes after a day against after three hours";
}

}  // namespace
}  // namespace ballast::simulate

// Blame in three-party contention against what the holders' own schedstat says
// they ran: all of them share one CPU all the time.

#include <sched.h>

#include <map>
#include <optional>

#include "collector/model/field.h"
#include "collector/source/bpf/bpf_sources.h"
#include "tests/kernel/test_cgroups.h"
#include "tests/support/map_sample.h"

namespace ballast::source {
namespace {

using model::Field;
using std::chrono::milliseconds;
using test::Child;
using test::TestGroup;

void SpinOnCpu0() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  ::sched_setaffinity(0, sizeof(cpus), &cpus);
  test::SpinFor(std::chrono::minutes(1));
}

std::uint64_t RanNs(const Child& child) {
  return std::strtoull(
      test::ReadText("/proc/" + std::to_string(child.pid()) + "/schedstat").c_str(), nullptr, 10);
}

void SetShares(const TestGroup& group, int part) {
  if (group.Has("cpu.weight")) return group.Write("cpu.weight", std::to_string(100 * part));
  group.Write("cpu.shares", std::to_string(1024 * part));
}

TEST(BlameSourceTest, HoldersShareTheWaitAsTheyRan) {
  auto layout = model::ReadCgroupLayout();
  ASSERT_TRUE(layout);
  auto bpf = OpenBpfSources(ReadKernelFacts(), *layout, {.slots = 64, .max_cgroups = 4096});
  ASSERT_TRUE(bpf) << bpf.error().ToString();
  TestGroup waiter("waiter"), large("large"), small("small");
  SetShares(large, 3);
  Slot slot = 1;
  for (const TestGroup* group : {&waiter, &large, &small}) {
    for (auto& source : bpf->sources)
      ASSERT_TRUE(source->Track({.slot = slot,
                                 .key = {},
                                 .directories = group->directories(),
                                 .ref = model::EntityRef{100 + slot}}));
    ++slot;
  }
  Child one(waiter, SpinOnCpu0), two(large, SpinOnCpu0), three(small, SpinOnCpu0);
  const auto collect = [&] {
    test::MapSample sample;
    for (auto& source : bpf->sources) EXPECT_TRUE(source->Collect(sample));
    return sample;
  };
  // Until the witness has seen enough of it, however busy the machine is.
  static_cast<void>(collect());
  const std::uint64_t large_before = RanNs(two), small_before = RanNs(three);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  test::MapSample sample;
  while (RanNs(three) - small_before < 500'000'000 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(100));
    sample = collect();
  }
  const auto large_ran = static_cast<double>(RanNs(two) - large_before);
  const auto small_ran = static_cast<double>(RanNs(three) - small_before);

  const auto held = [&](const char* holder) {
    return static_cast<double>(sample.children[{1, model::EntityKind::kBlame, holder}]
                                   .Get(Field::kBlameWaitNs)
                                   .value_or(0));
  };
  ASSERT_GT(small_ran, 400e6) << "not enough contention to compare anything";
  EXPECT_GT(held("holder 102"), held("holder 103"));
  EXPECT_NEAR(held("holder 102") / (held("holder 102") + held("holder 103")),
              large_ran / (large_ran + small_ran), 0.10);
}

}  // namespace
}  // namespace ballast::source

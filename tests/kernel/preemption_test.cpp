// Who took the CPU, against the kernel's own count of involuntary switches.

#include <sched.h>

#include <optional>

#include "collector/source/bpf/run_queue.h"
#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/test_cgroups.h"

namespace ballast::source {
namespace {

using std::chrono::milliseconds;
using test::Child;
using test::TestGroup;

constexpr Slot kPair = 3, kSingle = 4;

// "nonvoluntary_ctxt_switches:\t12"
std::uint64_t InvoluntarySwitches(pid_t pid) {
  return test::KeyedValue(
      [&] {
        std::string text = test::ReadText("/proc/" + std::to_string(pid) + "/status");
        return text.substr(std::min(text.find("nonvoluntary_ctxt_switches"), text.size()));
      }(),
      "nonvoluntary_ctxt_switches:");
}

class PreemptionTest : public test::KernelTest {};

TEST_F(PreemptionTest, CountsAgreeWithTheKernelsInvoluntarySwitches) {
  auto queue = RunQueue::Open(*kernel_);
  ASSERT_TRUE(queue) << queue.error().ToString();
  TestGroup pair("pair"), single("single");
  Track(kPair, pair);
  Track(kSingle, single);
  const auto work = [] {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    ::sched_setaffinity(0, sizeof(cpus), &cpus);
    test::SpinFor(milliseconds(400));
    ::raise(SIGSTOP);
  };
  queue->Restart(kPair);
  queue->Restart(kSingle);

  Child one(pair, work), two(pair, work), three(single, work);
  std::uint64_t before[3], after[3];
  Child* children[] = {&one, &two, &three};
  for (int i = 0; i < 3; ++i) before[i] = 0;  // a child waits at its gate: it blocks, nothing else
  for (int i = 0; i < 3; ++i) {
    children[i]->WaitUntilStopped();
    after[i] = InvoluntarySwitches(children[i]->pid());
  }

  const auto& of_pair = queue->Read(kPair).preempted;
  const auto& of_single = queue->Read(kSingle).preempted;
  const auto sum = [](const auto& counts) {
    return static_cast<double>(counts[RQL_BY_SELF] + counts[RQL_BY_OTHER] + counts[RQL_BY_SYSTEM]);
  };
  const auto witness_pair = static_cast<double>(after[0] + after[1] - before[0] - before[1]);
  const auto witness_single = static_cast<double>(after[2] - before[2]);
  ASSERT_GT(witness_pair, 20) << "not enough contention to compare anything";
  // A child enters its group after its birth, and some kernels hide a switch in a hundred.
  EXPECT_NEAR(sum(of_pair), witness_pair, 4 + 0.03 * witness_pair);
  EXPECT_NEAR(sum(of_single), witness_single, 4 + 0.03 * witness_single);
  EXPECT_GT(of_pair[RQL_BY_SELF], 0u);
  EXPECT_GT(of_pair[RQL_BY_OTHER], 0u);
  EXPECT_EQ(of_single[RQL_BY_SELF], 0u);
  EXPECT_GT(of_single[RQL_BY_OTHER], 0u);
}

// The one that takes it is in no workload.
TEST_F(PreemptionTest, TaskOfNoWorkloadIsTheSystem) {
  auto queue = RunQueue::Open(*kernel_);
  ASSERT_TRUE(queue) << queue.error().ToString();
  TestGroup group("tracked"), stranger("stranger");
  Track(kSingle, group);
  const auto work = [] {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    ::sched_setaffinity(0, sizeof(cpus), &cpus);
    test::SpinFor(milliseconds(300));
    ::raise(SIGSTOP);
  };

  Child one(group, work), two(stranger, work);
  one.WaitUntilStopped();
  two.WaitUntilStopped();

  const auto& counts = queue->Read(kSingle).preempted;
  EXPECT_GT(counts[RQL_BY_SYSTEM], 5u);
  EXPECT_EQ(counts[RQL_BY_OTHER], 0u);
  EXPECT_EQ(counts[RQL_BY_SELF], 0u);
}

}  // namespace
}  // namespace ballast::source

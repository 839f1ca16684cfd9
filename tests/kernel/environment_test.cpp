// Runs first (ctest keeps the order of the sources): says why, where the rest
// could only fail.

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/kernel/kernel_fixture.h"
#include "tests/kernel/test_cgroups.h"
#include "tests/support/own_tracefs.h"

namespace ballast::source {
namespace {

TEST(KernelEnvironmentTest, EnvironmentCanRunBpf) {
  ASSERT_EQ(::geteuid(), 0u) << "the kernel suite runs as root: sudo ./dev test kernel";
  const KernelFacts facts = ReadKernelFacts();
  ASSERT_TRUE(facts.btf_readable) << "no kernel BTF: " << facts.btf_problem;
  ASSERT_FALSE(test::MeasuredHierarchies().empty()) << "no cgroup hierarchy is mounted";

  auto kernel = KernelSide::Start(facts, {.slots = 8, .max_cgroups = 64});

  ASSERT_TRUE(kernel) << kernel.error().ToString();
}

TEST(KernelEnvironmentTest, EveryProgramOfThisKernelIsAttached) {
  ASSERT_TRUE(test::MountTracefsForThisProcess());
  const KernelFacts facts = ReadKernelFacts();
  auto kernel = KernelSide::Start(facts, {.slots = 8, .max_cgroups = 64});
  ASSERT_TRUE(kernel) << kernel.error().ToString();

  for (const ProgramState& program : (*kernel)->programs()) {
    // Of the two for mark_victim, exactly the one that fits.
    if (program.name == "oom_on_victim_pid" && facts.mark_victim == VictimArgument::kTask) continue;
    if (program.name == "oom_on_victim_task" && facts.mark_victim == VictimArgument::kPid) continue;
    // Of the two for VM exits, one; and none before KVM is loaded.
    if (program.because.starts_with("not needed")) continue;
    EXPECT_TRUE(program.attached) << program.name << ": " << program.because;
  }
}

}  // namespace
}  // namespace ballast::source

#include "collector/source/bpf/decide_reads.h"

#include <gtest/gtest.h>

namespace ballast::source {
namespace {

KernelFacts GoodKernel() {
  KernelFacts facts;
  facts.btf_readable = true;
  facts.flush = FlushKfunc::kCss;
  facts.cfs_bandwidth = facts.throttled_per_task = facts.memory_controller = facts.psi_in_cgroup =
      true;
  facts.psi_on = true;
  return facts;
}

std::vector<ProgramState> AllAttached() {
  std::vector<ProgramState> programs;
  for (const char* name :
       {"slt_on_mkdir", "slt_on_rmdir", "slt_on_attach", "rql_on_switch", "mem_on_reclaim",
        "oom_on_victim_task", "wlk_on_cgroup", "clk_start", "mem_on_memcg_end", "blk_on_complete",
        "tol_on_exec", "tol_on_exit", "kvm_on_exit", "kvm_on_wakeup"})
    programs.push_back({.name = name, .attached = true, .because = "", .verified_instructions = 0});
  return programs;
}

TEST(DecideReadsTest, GoodKernelReadsEverythingByBpf) {
  auto programs = AllAttached();
  programs.push_back({.name = "kvm_on_record", .because = "not needed: kvm_on_exit is there"});
  for (const Choice& choice : DecideReads(GoodKernel(), programs)) {
    EXPECT_EQ(choice.via, Via::kBpf) << choice.signal;
    EXPECT_EQ(choice.because, "") << choice.signal;
  }
}

struct Row {
  const char* name;
  void (*spoil)(KernelFacts&, std::vector<ProgramState>&);
  const char* signal;
  Via via;
  const char* because;
};

void Detach(std::vector<ProgramState>& programs, std::string_view name) {
  for (ProgramState& program : programs)
    if (program.name == name) program.attached = false, program.because = "refused";
}

class DecideReadsRuleTest : public ::testing::TestWithParam<Row> {};

TEST_P(DecideReadsRuleTest, SaysFromWhereAndWhy) {
  KernelFacts facts = GoodKernel();
  auto programs = AllAttached();
  GetParam().spoil(facts, programs);

  const auto choices = DecideReads(facts, programs);

  const Choice& choice = ChoiceOf(choices, GetParam().signal);
  EXPECT_EQ(choice.via, GetParam().via);
  EXPECT_EQ(choice.because, GetParam().because);
}

INSTANTIATE_TEST_SUITE_P(  // table
    Rules, DecideReadsRuleTest,
    ::testing::Values(
        Row{"UnreadableBtf", [](KernelFacts& f, auto&) { f.btf_readable = false; },
            "run-queue wait", Via::kFile, "kernel BTF not readable"},
        Row{"NotStarted", [](KernelFacts&, auto& p) { p.clear(); }, "memory usage", Via::kFile,
            "BPF not started"},
        Row{"NoFlush", [](KernelFacts& f, auto&) { f.flush = FlushKfunc::kNone; }, "cpu usage",
            Via::kFile, "no kfunc flushes cgroup2's per-CPU sums"},
        Row{"NoFlushLeavesMemory", [](KernelFacts& f, auto&) { f.flush = FlushKfunc::kNone; },
            "memory usage", Via::kBpf, ""},
        Row{"WalkRefused", [](KernelFacts&, auto& p) { Detach(p, "wlk_on_cgroup"); }, "pressure",
            Via::kFile, "refused"},
        Row{"PsiOff", [](KernelFacts& f, auto&) { f.psi_on = false; }, "pressure", Via::kAbsent,
            "PSI is off; boot with psi=1"},
        Row{"PsiUnknown", [](KernelFacts& f, auto&) { f.psi_on.reset(); }, "pressure", Via::kAbsent,
            "PSI state unknown"},
        Row{"EmbeddedPsi", [](KernelFacts& f, auto&) { f.psi_in_cgroup = false; }, "pressure",
            Via::kFile, "PSI totals not reachable from the cgroup (before 6.1)"},
        Row{"NoBandwidth", [](KernelFacts& f, auto&) { f.cfs_bandwidth = false; }, "cpu throttling",
            Via::kAbsent, "kernel built without CONFIG_CFS_BANDWIDTH"},
        Row{"ThrottledQueues", [](KernelFacts& f, auto&) { f.throttled_per_task = false; },
            "own throttling wait", Via::kBpf,
            "before 6.18 only tasks that were running when the quota ran out are told apart"},
        Row{"NoMemcg", [](KernelFacts& f, auto&) { f.memory_controller = false; }, "memory lists",
            Via::kAbsent, "kernel built without the memory controller"},
        Row{"NoTimer", [](KernelFacts&, auto& p) { Detach(p, "clk_start"); }, "memory peaks",
            Via::kAbsent, "refused"},
        Row{"NoTimerNoWindows", [](KernelFacts&, auto& p) { Detach(p, "clk_start"); }, "cpu peaks",
            Via::kAbsent, "refused"},
        Row{"NoHookNoWindows", [](KernelFacts&, auto& p) { Detach(p, "rql_on_switch"); },
            "cpu peaks", Via::kAbsent, "refused"},
        Row{"MemoryPeaksNeedTheWalk", [](KernelFacts&, auto& p) { Detach(p, "wlk_on_cgroup"); },
            "memory peaks", Via::kAbsent, "refused"},
        Row{"NoVictim", [](KernelFacts&, auto& p) { Detach(p, "oom_on_victim_task"); }, "oom kills",
            Via::kFile, "BPF not started"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace ballast::source

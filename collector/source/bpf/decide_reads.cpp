#include "collector/source/bpf/decide_reads.h"

#include <algorithm>

#include "collector/base/check.h"

namespace ballast::source {
namespace {

struct Rules {
  const KernelFacts& facts;
  const std::vector<ProgramState>& programs;

  // Why `program` does not run; empty if it does.
  std::string Missing(std::string_view program) const {
    if (!facts.btf_readable) return "kernel BTF not readable";
    const auto found = std::ranges::find(programs, program, &ProgramState::name);
    if (found == programs.end()) return "BPF not started";
    return found->attached ? "" : found->because;
  }

  Choice From(std::string_view signal, std::string_view program, Via otherwise) const {
    std::string missing = Missing(program);
    return missing.empty() ? Choice{signal, Via::kBpf, ""}
                           : Choice{signal, otherwise, std::move(missing)};
  }

  Choice CpuUsage() const {
    Choice choice = From("cpu usage", "wlk_on_cgroup", Via::kFile);
    if (choice.via == Via::kBpf && facts.flush == FlushKfunc::kNone)
      return {choice.signal, Via::kFile, "no kfunc flushes cgroup2's per-CPU sums"};
    return choice;
  }

  Choice Throttling() const {
    if (!facts.cfs_bandwidth && facts.btf_readable)
      return {"cpu throttling", Via::kAbsent, "kernel built without CONFIG_CFS_BANDWIDTH"};
    return From("cpu throttling", "wlk_on_cgroup", Via::kFile);
  }

  Choice Memory(std::string_view signal) const {
    if (!facts.memory_controller && facts.btf_readable)
      return {signal, Via::kAbsent, "kernel built without the memory controller"};
    return From(signal, "wlk_on_cgroup", Via::kFile);
  }

  Choice Pressure() const {
    if (!facts.psi_on) return {"pressure", Via::kAbsent, "PSI state unknown"};
    if (!*facts.psi_on) return {"pressure", Via::kAbsent, "PSI is off; boot with psi=1"};
    if (facts.btf_readable && !facts.psi_in_cgroup)
      return {"pressure", Via::kFile, "PSI totals not reachable from the cgroup (before 6.1)"};
    return From("pressure", "wlk_on_cgroup", Via::kFile);
  }

  Choice OwnThrottling() const {
    Choice choice = From("own throttling wait", "rql_on_switch", Via::kAbsent);
    if (choice.via == Via::kBpf && !facts.throttled_per_task)
      choice.because =
          "before 6.18 only tasks that were running when the quota ran out are told apart";
    return choice;
  }

  Choice CpuPeaks() const {
    Choice clock = From("cpu peaks", "clk_start", Via::kAbsent);
    return clock.via == Via::kBpf ? From("cpu peaks", "rql_on_switch", Via::kAbsent) : clock;
  }

  // Without the walk the clock does not know the groups.
  Choice MemoryPeaks() const {
    if (!facts.memory_controller && facts.btf_readable) return Memory("memory peaks");
    Choice clock = From("memory peaks", "clk_start", Via::kAbsent);
    return clock.via == Via::kBpf ? From("memory peaks", "wlk_on_cgroup", Via::kAbsent) : clock;
  }

  Choice ToolCalls() const {
    Choice exec = From("tool calls", "tol_on_exec", Via::kAbsent);
    return exec.via == Via::kBpf ? From("tool calls", "tol_on_exit", Via::kAbsent) : exec;
  }

  // KVM is a module: a host without it has no such VMs.
  Choice Kvm(std::string_view signal, std::string_view program) const {
    Choice choice = From(signal, program, Via::kAbsent);
    choice.is_moot = choice.because == kKvmNotLoaded;
    return choice;
  }

  // Of KVM's own structures, of its tracepoint's record, or without reasons.
  Choice KvmExits() const {
    Choice choice = Kvm("vm exits", "kvm_on_exit");
    const std::string record = Missing("kvm_on_record");
    if (choice.via == Via::kAbsent && record.empty()) return {choice.signal, Via::kBpf, ""};
    if (choice.via == Via::kBpf && !record.starts_with("not needed"))
      choice.because = "without reasons: " + record;
    return choice;
  }

  Choice OomKills() const {
    Choice task = From("oom kills", "oom_on_victim_task", Via::kAbsent);
    Choice pid = From("oom kills", "oom_on_victim_pid", Via::kFile);
    if (task.via == Via::kBpf) return task;
    if (pid.via == Via::kBpf)
      pid.because = "before 6.10 the workload is that of the task that needed memory";
    return pid;
  }
};

}  // namespace

std::vector<Choice> DecideReads(const KernelFacts& facts,
                                const std::vector<ProgramState>& programs) {
  const Rules rules{facts, programs};
  return {
      rules.CpuUsage(),
      rules.Throttling(),
      rules.Memory("memory usage"),
      rules.Memory("memory lists"),
      rules.Pressure(),
      rules.From("run-queue wait", "rql_on_switch", Via::kFile),
      rules.OwnThrottling(),
      rules.From("throttle events", "rql_on_switch", Via::kAbsent),
      rules.From("memory limit events", "mem_on_reclaim", Via::kAbsent),
      rules.OomKills(),
      rules.CpuPeaks(),
      rules.From("preemptions", "rql_on_switch", Via::kAbsent),
      rules.MemoryPeaks(),
      rules.From("reclaim waits", "mem_on_memcg_end", Via::kAbsent),
      rules.From("block I/O", "blk_on_complete", Via::kAbsent),
      rules.ToolCalls(),
      rules.KvmExits(),
      rules.Kvm("vm halts", "kvm_on_wakeup"),
      rules.From("cgroup births", "slt_on_mkdir", Via::kFile),
      rules.From("cgroup deaths", "slt_on_rmdir", Via::kFile),
  };
}

const Choice& ChoiceOf(const std::vector<Choice>& choices, std::string_view signal) {
  const auto found = std::ranges::find(choices, signal, &Choice::signal);
  BALLAST_CHECK(found != choices.end(), "a signal of DecideReads");
  return *found;
}

}  // namespace ballast::source

#pragma once

// What this host's kernel offers to the programs of bpf/. Facts only; the rules
// that use them are in decide_reads.h.
//
// Asked of BTF and /proc, never of the version. Thread-safe: plain values.

#include <cstdint>
#include <optional>
#include <string>

namespace ballast::source {

// Which kfunc flushes the per-CPU sums of cgroup2. Values match FLUSH_* in
// bpf/lib/compat.bpf.h.
enum class FlushKfunc : std::uint32_t { kNone = 0, kCss = 1, kCgroup = 2 };

// The argument of the tracepoint mark_victim.
enum class VictimArgument { kNone, kTask, kPid };

struct KernelFacts {
  std::string release;  // uname; for messages only, no rule reads it
  bool is_root = false;
  bool btf_readable = false;  // false: nothing below up to `flush` could be checked
  std::string btf_problem;    // why not; empty when readable
  bool module_types = false;  // modules' BTF too, which takes CAP_SYS_ADMIN

  bool sched_switch = false;
  bool sched_info = false;  // task_struct.sched_info.run_delay (CONFIG_SCHED_INFO)
  bool cgroup_mkdir = false;
  bool cgroup_rmdir = false;
  bool cgroup_attach_task = false;
  bool memcg_reclaim = false;
  bool direct_reclaim = false;
  VictimArgument mark_victim = VictimArgument::kNone;
  bool block_complete = false;  // block_rq_complete passes the request
  bool process_exec = false;
  bool process_exit = false;
  bool cgroup_iter = false;
  bool timers = false;  // bpf_timer and bpf_loop
  FlushKfunc flush = FlushKfunc::kNone;
  bool rdonly_cast = false;  // kfunc; without it the walk costs about half more
  bool cfs_bandwidth = false;
  bool throttled_per_task = false;  // 6.18; before: per run queue
  bool memory_controller = false;
  bool lru_gen = false;        // multi-generational LRU, switched on now; read at start only
  bool psi_in_cgroup = false;  // as a pointer, which the walk can follow (6.1)

  std::optional<bool> psi_on = std::nullopt;  // unknown is not the same as off
  std::uint32_t possible_cpus = 1;
  std::uint32_t numa_nodes = 1;
};

// Never fails: what cannot be asked is absent and says so. Takes about 50 ms
// (parses the kernel's BTF); call it once, at start-up.
KernelFacts ReadKernelFacts();

}  // namespace ballast::source

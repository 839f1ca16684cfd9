#include "collector/source/bpf/kernel_side.h"

#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "bpf/abi/run_queue_abi.h"
#include "bpf/abi/walk_abi.h"
#include "bpf/ballast.skel.h"
#include "collector/base/clock.h"
#include "collector/source/bpf/kvm_tracepoint.h"
#include "collector/source/bpf/skeleton.h"

namespace ballast::source {

struct KernelSide::Loaded {
  LoadedSkeleton<ballast_bpf> skeleton;
  ballast_bpf* raw;
};

namespace {

// The first complaint of libbpf in this load: the reason behind a bare errno. Start-up is
// single-threaded, and libbpf's callback takes no context.
std::string& Complaint() {
  static std::string text;
  return text;
}

int Remember(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  char line[512];
  const int length = std::vsnprintf(line, sizeof(line), format, arguments);
  const std::string_view text(
      line,
      std::clamp<std::size_t>(static_cast<std::size_t>(std::max(length, 0)), 0, sizeof(line) - 1));
  // The first line names the program and the errno; the verifier's log and the
  // loader's own summary follow it.
  if (!text.starts_with("libbpf: ") || !Complaint().empty()) return 0;
  Complaint() = text.substr(8, text.find('\n') - 8);
  return length;
}

struct Requirement {
  const char* program;
  std::function<std::string(const KernelFacts&)> missing;  // empty: nothing
};

std::string Unless(bool has, const char* why) {
  return has ? "" : why;
}

// What each program needs of the kernel; the reason is what doctor prints.
const std::vector<Requirement>& Requirements() {  // table
  static const std::vector<Requirement> all = {
      {"slt_on_mkdir",
       [](auto& f) { return Unless(f.cgroup_mkdir, "no tracepoint cgroup_mkdir"); }},
      {"slt_on_rmdir",
       [](auto& f) { return Unless(f.cgroup_rmdir, "no tracepoint cgroup_rmdir"); }},
      {"slt_on_attach",
       [](auto& f) { return Unless(f.cgroup_attach_task, "no tracepoint cgroup_attach_task"); }},
      {"rql_on_switch",
       [](auto& f) {
         return !f.sched_switch ? "no tracepoint sched_switch"
                                : Unless(f.sched_info, "kernel built without CONFIG_SCHED_INFO");
       }},
      {"rql_on_exit", [](auto& f) { return Unless(f.sched_switch, "no tracepoint sched_switch"); }},
      {"mem_on_reclaim",
       [](auto& f) {
         return Unless(f.memcg_reclaim, "no tracepoint mm_vmscan_memcg_reclaim_begin");
       }},
      {"mem_on_memcg_end",
       [](auto& f) {
         return Unless(f.memcg_reclaim, "no tracepoint mm_vmscan_memcg_reclaim_begin");
       }},
      {"mem_on_direct",
       [](auto& f) {
         return Unless(f.direct_reclaim, "no tracepoint mm_vmscan_direct_reclaim_begin");
       }},
      {"mem_on_direct_end",
       [](auto& f) {
         return Unless(f.direct_reclaim, "no tracepoint mm_vmscan_direct_reclaim_begin");
       }},
      {"oom_on_victim_task",
       [](auto& f) {
         return Unless(f.mark_victim == VictimArgument::kTask, "mark_victim passes no task");
       }},
      {"oom_on_victim_pid",
       [](auto& f) {
         return Unless(f.mark_victim == VictimArgument::kPid, "mark_victim passes no pid");
       }},
      {"blk_on_complete",
       [](auto& f) { return Unless(f.block_complete, "no tracepoint block_rq_complete"); }},
      {"tol_on_exec",
       [](auto& f) { return Unless(f.process_exec, "no tracepoint sched_process_exec"); }},
      {"tol_on_exit",
       [](auto& f) { return Unless(f.process_exit, "no tracepoint sched_process_exit"); }},
      // Whether KVM is there is asked when they are attached.
      {"kvm_on_exit", [](auto&) { return std::string(); }},
      {"kvm_on_record", [](auto&) { return std::string(); }},
      {"kvm_on_entry", [](auto&) { return std::string(); }},
      {"kvm_on_wakeup", [](auto&) { return std::string(); }},
      {"clk_start",
       [](auto& f) { return Unless(f.timers, "no BPF timers or loops (Linux 5.17)"); }},
      {"wlk_on_cgroup",
       [](auto& f) { return Unless(f.cgroup_iter, "no cgroup iterator (Linux 6.1)"); }},
      {"wlk_visit",
       [](auto& f) {
         return !f.cgroup_iter ? "no cgroup iterator (Linux 6.1)"
                               : Unless(f.timers, "no BPF loops (Linux 5.17)");
       }},
  };
  return all;
}

std::vector<ProgramState> ChoosePrograms(const KernelFacts& facts) {
  std::vector<ProgramState> programs;
  for (const Requirement& requirement : Requirements())
    programs.push_back({.name = requirement.program, .because = requirement.missing(facts)});
  return programs;
}

Result<OpenSkeleton<ballast_bpf>> Configure(const KernelFacts& facts,
                                            const KernelSideOptions& options) {
  BALLAST_TRY(auto open, OpenSkeleton<ballast_bpf>::Open(), "programs of the collector");
  auto& rodata = open.rodata();
  rodata.cfg_hierarchy_mask = options.hierarchy_mask;
  rodata.cfg_cpus = facts.possible_cpus;
  rodata.cfg_sees_moves = facts.cgroup_attach_task ? 1 : 0;
  rodata.cfg_loaded_ns = static_cast<__u64>(SystemClock().Now().count());
  rodata.cfg_throttle_gap_ns = static_cast<__u64>(options.throttle_event_gap.count());
  rodata.cfg_memory_gap_ns = static_cast<__u64>(options.memory_event_gap.count());
  rodata.cfg_tool_ring_bytes = options.ring_bytes / 2;
  rodata.cfg_begin_ring_bytes = options.ring_bytes / 4;
  rodata.cfg_flush = static_cast<__u32>(facts.flush);
  rodata.cfg_lru_gen = facts.lru_gen ? 1 : 0;
  rodata.cfg_nodes = std::min(facts.numa_nodes, WLK_MAX_NODES);
  rodata.cfg_slots = options.slots;
  rodata.cfg_cast = facts.rdonly_cast ? 1 : 0;
  // Each workload's group, one inside it, and what is nobody's.
  rodata.cfg_owners = 2 * options.slots + 4096;
  auto& maps = open.maps();
  bpf_map__set_max_entries(maps.slt_slots, options.max_cgroups);
  bpf_map__set_max_entries(maps.slt_finals, options.slots);
  bpf_map__set_max_entries(maps.evt_ring, options.ring_bytes);
  bpf_map__set_max_entries(maps.rql_rows, options.slots * facts.possible_cpus);
  bpf_map__set_max_entries(maps.rql_active, options.slots);
  bpf_map__set_max_entries(maps.rql_awake, options.slots / RQL_WORD + 1);
  bpf_map__set_max_entries(maps.rql_cpus, facts.possible_cpus);
  bpf_map__set_max_entries(maps.blm_cpus, facts.possible_cpus);
  bpf_map__set_max_entries(maps.rql_limits, options.slots);
  bpf_map__set_max_entries(maps.mem_rows, options.slots);
  bpf_map__set_max_entries(maps.clk_rows, options.slots);
  bpf_map__set_max_entries(maps.wlk_wanted, options.slots);
  bpf_map__set_max_entries(maps.wlk_visits, options.slots);
  bpf_map__set_max_entries(maps.wlk_roots, options.slots * WLK_HIERARCHIES);
  bpf_map__set_max_entries(maps.tol_whole_at, options.slots);
  for (bpf_map* map : {maps.blk_rows, maps.blk_index, maps.blk_free})
    bpf_map__set_max_entries(map, options.slots * options.devices_per_slot);
  bpf_map__set_max_entries(maps.wlk_owners, rodata.cfg_owners * WLK_HIERARCHIES);
  bpf_map__set_max_entries(maps.wlk_rows, options.slots * WLK_HIERARCHIES);
  return open;
}

template <typename Wanted>
void SelectPrograms(bpf_object* object, Wanted wanted) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    bpf_program__set_autoload(program, wanted(std::string_view(bpf_program__name(program))));
  }
}

std::uint32_t VerifiedInstructions(const bpf_program* program) {
  bpf_prog_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) return 0;
  return info.verified_insns;
}

// The program that starts the clock runs once, here; the timer it starts belongs
// to its map and goes on until that is gone.
Result<> StartClock(const bpf_program* program) {
  LIBBPF_OPTS(bpf_test_run_opts, run);
  if (const int error = bpf_prog_test_run_opts(bpf_program__fd(program), &run); error != 0)
    return Error::FromErrno(-error, "run clk_start");
  const int outcome = static_cast<int>(run.retval);
  return outcome == 0 ? Ok() : Result<>(Error::FromErrno(std::abs(outcome), "start a BPF timer"));
}

// The tracepoint's record is made only where it is asked for on some CPU; the
// program then runs for all of them.
Result<> AttachTracepoint(LoadedSkeleton<ballast_bpf>& skeleton, const bpf_program* program,
                          std::uint64_t id) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  Fd event(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event.is_open()) return Error::FromErrno(errno, "perf_event_open");
  return skeleton.AttachPerfEvent(program, std::move(event));
}

bool IsForKvm(std::string_view program) {
  return program.starts_with("kvm_");
}

Error Refused(const Error& error) {
  if (error.code() == std::errc::operation_not_permitted)
    return Error::Invalid(
        "the kernel refuses BPF (EPERM); run as root, or with CAP_BPF and CAP_PERFMON, "
        "and outside containers that filter bpf(2)");
  return Error(error.code(), "load BPF programs: " + Complaint());
}

}  // namespace

KernelSide::KernelSide(const KernelFacts& facts, const KernelSideOptions& options)
    : options_(options), cpus_(facts.possible_cpus), programs_(ChoosePrograms(facts)) {}

KernelSide::~KernelSide() = default;

ballast_bpf& KernelSide::skeleton() const {
  return *loaded_->raw;
}

bool KernelSide::IsAttached(std::string_view program) const {
  const auto found = std::ranges::find(programs_, program, &ProgramState::name);
  return found != programs_.end() && found->attached;
}

Result<std::unique_ptr<KernelSide>> KernelSide::Start(const KernelFacts& facts,
                                                      const KernelSideOptions& options) {
  if (!facts.btf_readable)
    return Error::Invalid(
        "kernel " + facts.release + " has no readable BTF (" + facts.btf_problem +
        "); boot one built with CONFIG_DEBUG_INFO_BTF=y, as distribution kernels are");
  libbpf_set_print(Remember);
  std::unique_ptr<KernelSide> side(new KernelSide(facts, options));
  if (auto loaded = side->Load(facts); !loaded) return std::move(loaded).error();
  side->AttachAll();
  return side;
}

// All that the facts allow at once; if the kernel refuses one, each is tried
// alone to learn which, and the rest is loaded.
Result<> KernelSide::Load(const KernelFacts& facts) {
  const auto load = [&](auto wanted) -> Result<LoadedSkeleton<ballast_bpf>> {
    BALLAST_TRY(auto open, Configure(facts, options_), "configure");
    SelectPrograms(open.object(), wanted);
    Complaint().clear();
    return std::move(open).Load();
  };
  const auto chosen = [&](std::string_view name) {
    const auto found = std::ranges::find(programs_, name, &ProgramState::name);
    return found != programs_.end() && found->because.empty();
  };
  auto loaded = load(chosen);
  if (!loaded) {
    if (loaded.error().code() == std::errc::operation_not_permitted) return Refused(loaded.error());
    for (ProgramState& program : programs_) {
      if (!program.because.empty()) continue;
      auto alone = load([&](std::string_view name) { return name == program.name; });
      if (!alone) program.because = Refused(alone.error()).ToString();
    }
    loaded = load(chosen);
  }
  if (!loaded) return Refused(loaded.error());
  if (std::ranges::none_of(programs_, [](const auto& program) { return program.because.empty(); }))
    return Error::Invalid("this kernel (" + facts.release + ") can run none of the programs; " +
                          programs_.front().because);
  ballast_bpf* const raw = loaded->raw();
  raw->bss->rql_tick = 1;  // 0 is in every row of rql_active: nobody has come to a CPU yet
  loaded_.reset(new Loaded{*std::move(loaded), raw});
  return Ok();
}

void KernelSide::AttachAll() {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, loaded_->skeleton.object()) {
    const auto state = std::ranges::find(programs_, std::string_view(bpf_program__name(program)),
                                         &ProgramState::name);
    if (state == programs_.end() || !state->because.empty()) continue;
    state->verified_instructions = VerifiedInstructions(program);
    if (IsForKvm(state->name)) continue;
    // The walk attaches one link per hierarchy and runs its visits, in CgroupWalk.
    if (program == loaded_->skeleton.progs().wlk_on_cgroup ||
        program == loaded_->skeleton.progs().wlk_visit) {
      state->attached = true;
      continue;
    }
    auto attached = program == loaded_->skeleton.progs().clk_start
                        ? StartClock(program)
                        : loaded_->skeleton.Attach(program);
    state->attached = attached.has_value();
    if (!attached) state->because = attached.error().ToString();
  }
  // What was refused at load stays so.
  std::erase_if(kvm_programs_, [&](const std::string& name) {
    const auto state = std::ranges::find(programs_, name, &ProgramState::name);
    return state == programs_.end() || !state->because.empty();
  });
  AttachKvm();
}

void KernelSide::AttachKvm() {
  if (kvm_programs_.empty()) return;
  const auto attach = [&](const char* name, const std::function<Result<>(bpf_program*)>& how) {
    if (std::erase(kvm_programs_, name) == 0) return;  // attached, or refused at load
    ProgramState& state =
        *std::ranges::find(programs_, std::string_view(name), &ProgramState::name);
    const Result<> attached =
        how(bpf_object__find_program_by_name(loaded_->skeleton.object(), name));
    state.attached = attached.has_value();
    state.because = attached ? "" : attached.error().ToString();
    if (!attached) kvm_programs_.emplace_back(name);
  };
  const auto plainly = [&](bpf_program* program) -> Result<> {
    if (!IsKvmLoaded()) return Error::Invalid(kKvmNotLoaded);
    return loaded_->skeleton.Attach(program);
  };
  auto& globals = *skeleton().bss;
  const auto layout = IsKvmLoaded() ? ReadKvmLayout() : Error::Invalid(kKvmNotLoaded);
  if (layout) {
    globals.kvm_vcpu_id_at = layout->vcpu_id;
    globals.kvm_svm_vmcb_at = layout->svm_vmcb;
    globals.kvm_vmx_reason_at = layout->vmx_reason;
  }
  // One of the two for exits: the record only where the structures are not known.
  attach("kvm_on_record", [&](bpf_program* program) -> Result<> {
    if (!IsKvmLoaded()) return Error::Invalid(kKvmNotLoaded);
    if (layout) return Error::Invalid("not needed: kvm_on_exit tells the reasons");
    BALLAST_TRY(const auto record, ReadKvmTracepoint(), layout.error().ToString());
    globals.kvm_record_reason_at = record.format.reason;
    globals.kvm_record_isa_at = record.format.isa;
    globals.kvm_record_vcpu_at = record.format.vcpu;
    return AttachTracepoint(loaded_->skeleton, program, record.id);
  });
  attach("kvm_on_exit", [&](bpf_program* program) -> Result<> {
    if (IsAttached("kvm_on_record")) return Error::Invalid("not needed: kvm_on_record is there");
    return plainly(program);
  });
  attach("kvm_on_entry", plainly);
  attach("kvm_on_wakeup", plainly);
  // Whichever of the two counts, the other is done with.
  if (IsAttached("kvm_on_exit")) std::erase(kvm_programs_, "kvm_on_record");
  if (IsAttached("kvm_on_record")) std::erase(kvm_programs_, "kvm_on_exit");
}

}  // namespace ballast::source

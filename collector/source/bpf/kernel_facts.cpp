#include "collector/source/bpf/kernel_facts.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "collector/base/file.h"
#include "collector/source/bpf/module_btf.h"

namespace ballast::source {
namespace {

struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};
using BtfPtr = std::unique_ptr<btf, BtfDeleter>;

bool HasType(const btf& types, const char* name, std::uint32_t kind) {
  return btf__find_by_name_kind(&types, name, kind) > 0;
}

// A raw tracepoint's arguments: typedef btf_trace_<name> -> pointer -> prototype
// whose first parameter is the program's context.
const btf_type* Prototype(const btf& types, const char* tracepoint) {
  const std::string name = std::string("btf_trace_") + tracepoint;
  const btf_type* type = btf__type_by_id(
      &types, static_cast<std::uint32_t>(
                  std::max(0, btf__find_by_name_kind(&types, name.c_str(), BTF_KIND_TYPEDEF))));
  if (type == nullptr || !btf_is_typedef(type)) return nullptr;
  type = btf__type_by_id(&types, type->type);
  if (type == nullptr || !btf_is_ptr(type)) return nullptr;
  type = btf__type_by_id(&types, type->type);
  return type != nullptr && btf_is_func_proto(type) ? type : nullptr;
}

VictimArgument MarkVictimArgument(const btf& types) {
  const btf_type* prototype = Prototype(types, "mark_victim");
  if (prototype == nullptr || btf_vlen(prototype) < 2) return VictimArgument::kNone;
  const btf_type* argument = btf__type_by_id(&types, btf_params(prototype)[1].type);
  return argument != nullptr && btf_is_ptr(argument) ? VictimArgument::kTask : VictimArgument::kPid;
}

const btf_member* FindMember(const btf& types, const char* record, std::string_view field) {
  const int id = btf__find_by_name_kind(&types, record, BTF_KIND_STRUCT);
  if (id <= 0) return nullptr;
  const btf_type* type = btf__type_by_id(&types, static_cast<std::uint32_t>(id));
  const btf_member* members = btf_members(type);
  for (std::uint16_t i = 0; i < btf_vlen(type); ++i)
    if (field == btf__name_by_offset(&types, members[i].name_off)) return &members[i];
  return nullptr;
}

bool IsPointer(const btf& types, const btf_member* member) {
  return member != nullptr && btf_is_ptr(btf__type_by_id(&types, member->type));
}

FlushKfunc FindFlush(const btf& types) {
  // A struct member has the first one's name on every kernel: ask for a function.
  if (HasType(types, "css_rstat_flush", BTF_KIND_FUNC)) return FlushKfunc::kCss;
  if (HasType(types, "cgroup_rstat_flush", BTF_KIND_FUNC)) return FlushKfunc::kCgroup;
  return FlushKfunc::kNone;
}

// "0x0007": a mask; bit 0 is the switch itself.
bool LruGenOn() {
  auto text = ReadSmallFile("/sys/kernel/mm/lru_gen/enabled");
  return text && (std::strtoul(text->c_str(), nullptr, 16) & 1) != 0;
}

void ReadTypes(const btf& types, KernelFacts& facts) {
  facts.sched_switch = Prototype(types, "sched_switch") != nullptr;
  facts.sched_info = FindMember(types, "sched_info", "run_delay") != nullptr;
  facts.cgroup_mkdir = Prototype(types, "cgroup_mkdir") != nullptr;
  facts.cgroup_rmdir = Prototype(types, "cgroup_rmdir") != nullptr;
  facts.cgroup_attach_task = Prototype(types, "cgroup_attach_task") != nullptr;
  facts.memcg_reclaim = Prototype(types, "mm_vmscan_memcg_reclaim_begin") != nullptr;
  facts.direct_reclaim = Prototype(types, "mm_vmscan_direct_reclaim_begin") != nullptr;
  facts.mark_victim = MarkVictimArgument(types);
  facts.block_complete = Prototype(types, "block_rq_complete") != nullptr &&
                         FindMember(types, "request_queue", "disk") != nullptr;
  facts.process_exec = Prototype(types, "sched_process_exec") != nullptr;
  facts.process_exit = Prototype(types, "sched_process_exit") != nullptr;
  facts.cgroup_iter = HasType(types, "bpf_iter__cgroup", BTF_KIND_STRUCT);
  facts.timers =
      HasType(types, "bpf_timer", BTF_KIND_STRUCT) && HasType(types, "bpf_loop", BTF_KIND_FUNC);
  facts.flush = FindFlush(types);
  facts.rdonly_cast = HasType(types, "bpf_rdonly_cast", BTF_KIND_FUNC);
  facts.cfs_bandwidth = FindMember(types, "task_group", "cfs_bandwidth") != nullptr;
  facts.throttled_per_task = FindMember(types, "task_struct", "throttled") != nullptr;
  facts.memory_controller = FindMember(types, "mem_cgroup", "memory") != nullptr;
  facts.lru_gen = FindMember(types, "lruvec", "lrugen") != nullptr && LruGenOn();
  facts.psi_in_cgroup = IsPointer(types, FindMember(types, "cgroup", "psi"));
}

// Nodes are numbered; a hole in the numbers is an empty pointer for the walk.
std::uint32_t NumaNodes() {
  auto text = ReadSmallFile("/sys/devices/system/node/possible");  // "0", "0-3", "0,2-5"
  if (!text) return 1;
  const std::size_t last = text->find_last_of(",-");
  const char* digits = text->c_str() + (last == std::string::npos ? 0 : last + 1);
  std::uint32_t highest = 0;
  std::from_chars(digits, text->c_str() + text->size(), highest);
  return highest + 1;
}

std::optional<bool> PsiOn() {
  std::error_code error;
  const bool exists = std::filesystem::exists("/proc/pressure/cpu", error);
  if (error) return std::nullopt;
  // The file exists with psi=0 too; reading it then fails with EOPNOTSUPP.
  return exists && ReadSmallFile("/proc/pressure/cpu").has_value();
}

}  // namespace

KernelFacts ReadKernelFacts() {
  KernelFacts facts;
  utsname name{};
  if (::uname(&name) == 0) facts.release = name.release;
  facts.is_root = ::geteuid() == 0;
  facts.module_types = ModuleTypesReadable();
  facts.psi_on = PsiOn();
  facts.numa_nodes = NumaNodes();
  if (const int cpus = libbpf_num_possible_cpus(); cpus > 0)
    facts.possible_cpus = static_cast<std::uint32_t>(cpus);
  // What libbpf would print itself is in btf_problem, as part of one sentence.
  libbpf_set_print(nullptr);
  const BtfPtr types(btf__load_vmlinux_btf());
  facts.btf_readable = types != nullptr;
  if (types)
    ReadTypes(*types, facts);
  else
    facts.btf_problem = std::strerror(errno);
  return facts;
}

}  // namespace ballast::source

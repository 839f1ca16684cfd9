#include "collector/doctor/diagnose.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>

namespace ballast::doctor {
namespace {

using source::KernelFacts;
using source::Via;

// table
constexpr std::array kNeeded = {
    Capability{CAP_BPF, "CAP_BPF", "load BPF programs and make their maps"},
    Capability{CAP_PERFMON, "CAP_PERFMON", "attach them to tracepoints and read kernel memory"},
    Capability{CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
               "see the KVM descriptors of VMMs that run as other users"},
};

bool Holds(const HostFacts& facts, const Capability& capability) {
  if (!facts.capabilities) return facts.kernel.is_root;
  // CAP_SYS_ADMIN stands for both of the BPF ones (bpf_capable(), perfmon_capable()).
  const std::uint64_t stands_in =
      capability.number == CAP_SYS_PTRACE ? 0 : std::uint64_t{1} << CAP_SYS_ADMIN;
  return (*facts.capabilities & ((std::uint64_t{1} << capability.number) | stands_in)) != 0;
}

Finding CheckCapability(const HostFacts& facts, const Capability& capability) {
  if (Holds(facts, capability)) return {std::string(capability.name), Status::kOk};
  return {std::string(capability.name), Status::kMissing,
          "this process does not have it: " + std::string(capability.what_for),
          "run as root, or with the capabilities of ballast-collector.service"};
}

Finding CheckBtf(const KernelFacts& kernel) {
  if (kernel.btf_readable) return {"kernel BTF", Status::kOk};
  return {
      "kernel BTF", Status::kMissing, kernel.btf_problem,
      "boot a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian, Ubuntu, Fedora and RHEL build theirs "
      "so) and let /sys/kernel/btf/vmlinux be read"};
}

Finding CheckPrograms(const Examined& examined) {
  if (!examined.start_problem.empty())
    return {"BPF programs", Status::kMissing, examined.start_problem,
            "remove the cause, or measure from files alone with sources.bpf = \"off\""};
  std::string left_out;
  for (const source::ProgramState& program : examined.programs) {
    // Of the two for mark_victim a kernel takes the one that fits its argument.
    const bool is_other_half = program.name.starts_with("oom_on_victim");
    // Those for KVM are the signals "vm exits" and "vm halts".
    const bool is_for_kvm = program.name.starts_with("kvm_");
    if (!program.attached && !is_other_half && !is_for_kvm)
      left_out += (left_out.empty() ? "" : "; ") + program.name + ": " + program.because;
  }
  if (left_out.empty()) return {"BPF programs", Status::kOk};
  return {"BPF programs", Status::kMissing, left_out,
          "a kernel that has what is named here measures more; the others are not affected"};
}

Finding CheckPressure(const KernelFacts& kernel) {
  if (kernel.psi_on.value_or(false)) return {"pressure stall information", Status::kOk};
  return {"pressure stall information", Status::kMissing,
          kernel.psi_on ? "switched off, or not compiled in" : "/proc/pressure cannot be read",
          "boot with psi=1 on the kernel's command line (CONFIG_PSI=y)"};
}

Finding CheckCgroups(const HostFacts& facts) {
  if (!facts.layout_problem.empty())
    return {"cgroups", Status::kMissing, facts.layout_problem,
            "mount cgroup2 at /sys/fs/cgroup; in a container, share the host's cgroup namespace"};
  if (facts.layout.FindV2() == nullptr)
    return {"cgroups", Status::kNote, "v1 alone: no cgroup2 tree is mounted",
            "mount cgroup2 beside v1, or boot with systemd.unified_cgroup_hierarchy=1"};
  return {"cgroups", Status::kOk};
}

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

Finding CheckController(const HostFacts& facts, std::string_view v2, std::string_view v1,
                        std::string_view measures) {
  std::string what = fmt::format("controller {}", v2);
  if (facts.layout.FindV1(v1) != nullptr) return {std::move(what), Status::kOk};
  if (!Has(facts.v2_controllers, v2))
    return {std::move(what), Status::kMissing, fmt::format("not there: no {}", measures),
            v2 == "memory"
                ? "boot without cgroup_disable=memory (on some boards: with "
                  "cgroup_enable=memory)"
                : fmt::format("boot a kernel that has it and without cgroup_disable={}", v2)};
  if (!Has(facts.v2_enabled, v2))
    return {std::move(what), Status::kNote,
            fmt::format("not enabled below the root: no {} there", measures),
            fmt::format("echo +{} > {}/cgroup.subtree_control; systemd does it for units that set "
                        "{}Accounting=yes",
                        v2, facts.layout.FindV2()->mount_point,
                        v2 == "pids"  ? "Tasks"
                        : v2 == "io"  ? "IO"
                        : v2 == "cpu" ? "CPU"
                                      : "Memory")};
  return {std::move(what), Status::kOk};
}

// The file fallback keeps about twelve descriptors a workload, on at most half of the limit.
Finding CheckOpenFiles(const Examined& examined) {
  constexpr std::uint64_t kFilesPerWorkload = 12;
  const std::uint64_t wanted = 2 * kFilesPerWorkload * examined.max_workloads;
  const auto& limit = examined.facts.open_files;
  if (!limit || *limit >= wanted) return {"open files", Status::kOk};
  return {"open files", Status::kNote,
          fmt::format("the limit is {}; {} workloads read from files are fastest with {}", *limit,
                      examined.max_workloads, wanted),
          "set LimitNOFILE in ballast-collector.service"};
}

Finding CheckSockets(const HostFacts& facts) {
  std::string there;
  for (const RuntimeSocket& socket : facts.sockets)
    if (socket.exists) there += (there.empty() ? "" : ", ") + socket.runtime + " " + socket.path;
  if (!there.empty()) return {"runtime sockets", Status::kOk, there};
  return {"runtime sockets", Status::kNote,
          "none of Docker, Podman, containerd, CRI-O or libvirt listens where it usually does",
          "nothing to do without containers; else name the socket in runtime.sockets: until then "
          "workloads go by their cgroup's id"};
}

Finding CheckKvm(const HostFacts& facts) {
  if (facts.kvm) return {"KVM", Status::kOk};
  return {"KVM", Status::kNote, "no /dev/kvm: VMs of this host run emulated, if at all"};
}

// What would bring an absent signal back; its `because` is the why.
std::string AdviceFor(const source::Choice& choice, const Examined& examined) {
  if (choice.via == Via::kBpf) return "";
  const KernelFacts& kernel = examined.facts.kernel;
  if (choice.because.find("PSI") != std::string::npos) return "boot with psi=1";
  if (choice.because.find("CONFIG_") != std::string::npos)
    return "boot a kernel that is built with it";
  if (!kernel.btf_readable) return "see: kernel BTF";
  if (examined.programs.empty() && choice.via == Via::kAbsent) return "see: BPF programs";
  return "";
}

std::string HostLine(const HostFacts& facts) {
  std::string v1;
  for (const model::Hierarchy& hierarchy : facts.layout.hierarchies)
    if (!hierarchy.is_v2)
      for (const std::string& controller : hierarchy.controllers)
        if (!controller.starts_with("name=")) v1 += (v1.empty() ? "" : ",") + controller;
  const bool v2 = facts.layout.FindV2() != nullptr;
  const std::string cgroups = v2 && v1.empty() ? "cgroup v2"
                              : v2             ? "hybrid cgroups (v1: " + v1 + ")"
                              : v1.empty()     ? "no cgroups"
                                               : "cgroup v1 (" + v1 + ")";
  return fmt::format("Linux {}, {}, {} CPUs, {} NUMA node{}", facts.kernel.release, cgroups,
                     facts.kernel.possible_cpus, facts.kernel.numa_nodes,
                     facts.kernel.numa_nodes == 1 ? "" : "s");
}

}  // namespace

std::span<const Capability> NeededCapabilities() {
  return kNeeded;
}

bool Report::anything_missing() const {
  return std::ranges::any_of(signals,
                             [](const Signal& s) { return s.via == Via::kAbsent && !s.is_moot; }) ||
         std::ranges::any_of(checks, [](const Finding& f) { return f.status == Status::kMissing; });
}

Report Diagnose(const Examined& examined) {
  const HostFacts& facts = examined.facts;
  Report report{HostLine(facts), {}, {}};
  for (const source::Choice& choice : examined.choices)
    report.signals.push_back({.what = std::string(choice.signal),
                              .via = choice.via,
                              .why = choice.because,
                              .advice = AdviceFor(choice, examined),
                              .is_moot = choice.is_moot});
  for (const Capability& capability : kNeeded)
    report.checks.push_back(CheckCapability(facts, capability));
  report.checks.push_back(CheckBtf(facts.kernel));
  report.checks.push_back(CheckPrograms(examined));
  report.checks.push_back(CheckCgroups(facts));
  report.checks.push_back(CheckController(facts, "cpu", "cpu", "CPU quotas and weights"));
  report.checks.push_back(CheckController(facts, "memory", "memory", "memory use and limits"));
  report.checks.push_back(CheckController(facts, "io", "blkio", "block I/O of cgroups"));
  report.checks.push_back(CheckController(facts, "pids", "pids", "numbers of threads"));
  report.checks.push_back(CheckPressure(facts.kernel));
  report.checks.push_back(CheckOpenFiles(examined));
  report.checks.push_back(CheckSockets(facts));
  report.checks.push_back(CheckKvm(facts));
  return report;
}

}  // namespace ballast::doctor

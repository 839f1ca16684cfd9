#pragma once

// What the texts of /proc say about virtual machine monitors. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ballast::source {

// From a command line. Empty texts: it does not say.
struct VmmIdentity {
  std::string vmm;  // as Field::kRuntime: "qemu", "firecracker", "cloud-hypervisor", "crosvm"
  std::string name = {};
  std::string uuid = {};
  std::optional<std::uint64_t> memory_bytes = std::nullopt;  // that the guest was defined with
  std::string title = {};  // from libvirt, never from a command line

  friend bool operator==(const VmmIdentity&, const VmmIdentity&) = default;
};

// `command_line`: /proc/<pid>/cmdline, arguments separated by NUL. nullopt: the
// program is no VMM that is known by name.
std::optional<VmmIdentity> ParseVmmCommandLine(std::string_view command_line);

// The vCPU that a thread of this name is: "CPU 3/KVM" -> 3. nullopt: it is none.
std::optional<std::uint32_t> ParseVcpuThread(std::string_view comm);

// /proc/<pid>/task/<tid>/schedstat: on a CPU, and runnable without one.
struct SchedStat {
  std::uint64_t ran_ns = 0;
  std::uint64_t waited_ns = 0;

  friend bool operator==(const SchedStat&, const SchedStat&) = default;
};
std::optional<SchedStat> ParseSchedStat(std::string_view text);

// /proc/<pid>/stat: CPU time of the process with its threads, ended ones too, in
// clock ticks, and its start. The name in it may hold spaces and parentheses.
struct ProcessStat {
  std::uint64_t cpu_ticks = 0;
  std::uint64_t start_ticks = 0;

  friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

// /proc/<pid>/cgroup: hierarchy id (0: cgroup2) and path.
std::vector<std::pair<std::uint32_t, std::string>> ParseProcessCgroups(std::string_view text);

}  // namespace ballast::source

#pragma once

// Finds the virtual machines of this host in /proc: by the VMM's command line,
// or, whatever the program, by a descriptor that links to anon_inode:kvm-vm.
//
//   VmFinder finder({.proc = "/proc"});
//   for (const Vm& vm : finder.Find()) ...     // again every few seconds
//
// A process is examined while it is young (a VMM opens KVM a moment after its
// start) and remembered by pid and start time. Whether a known pid may be another
// process by now follows from the kernel's cursor: pids are given in rising order,
// so only those between its place at the last look and now can be; the others are
// looked at in turns, once in 15 looks. So a look costs one readdir and a stat file
// of each process that is new or a VM's. Not thread-safe; owned by one thread.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/runtime/libvirt.h"
#include "collector/source/vmm/vmm_text.h"

namespace ballast::source {

struct Vm {
  int pid = 0;
  std::uint64_t start_ticks = 0;  // with pid: one incarnation
  VmmIdentity identity;
  std::vector<std::pair<std::uint32_t, std::string>> cgroups;  // hierarchy id, path
  std::map<std::uint32_t, int> vcpus;                          // index -> thread id
  std::optional<std::uint64_t> balloon_bytes = std::nullopt;   // as QMP or libvirt tells
  // As the guest's balloon driver reports to libvirt.
  std::optional<std::uint64_t> guest_available_bytes = std::nullopt;
  std::optional<std::uint64_t> guest_unused_bytes = std::nullopt;
  std::optional<std::uint64_t> guest_usable_bytes = std::nullopt;

  friend bool operator==(const Vm&, const Vm&) = default;
};

struct VmFinderOptions {
  std::string proc = "/proc";
  // QMP sockets that may be asked, with %n for the guest's name and %p for the
  // VMM's pid. Such a socket serves one client at a time: name one that nobody
  // else uses. Empty: nobody is asked.
  std::vector<std::string> qmp_sockets = {};
  // What libvirt knows about the VM with this UUID; empty: it is not asked.
  std::function<std::optional<runtime::Domain>(const std::string& uuid)> domain_of = {};
};

class VmFinder {
 public:
  explicit VmFinder(VmFinderOptions options) : options_(std::move(options)) {}

  // Every VM that runs now, by pid. Never fails: who cannot be read is left out.
  std::vector<Vm> Find();

 private:
  struct Seen {
    std::uint64_t start_ticks = 0;
    int looks = 0;  // at its descriptors, without finding any
    std::optional<VmmIdentity> identity;
  };

  // Of pids; both ends 0: not known, so any pid may have been given anew.
  struct Given {
    int after = 0, to = 0;
    bool Includes(int pid) const;
  };

  std::string PathOf(int pid, const char* file) const;
  Given GivenSinceLastLook();
  std::vector<int> PidsToLookAt(const Given& given) const;
  bool MustAsk(int pid, const Seen& seen, const Given& given) const;
  void Examine(int pid, Seen& seen) const;
  bool HoldsKvmVm(int pid) const;
  Vm Describe(int pid, const Seen& seen) const;
  void AskQmp(Vm& vm) const;
  void AskLibvirt(Vm& vm) const;

  VmFinderOptions options_;
  std::map<int, Seen> seen_;
  int last_pid_ = 0;  // the kernel's cursor at the last look; 0: not known
  int look_ = 0;
};

}  // namespace ballast::source

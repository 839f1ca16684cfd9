#pragma once

// What a host offers to a collector besides what BTF tells (KernelFacts).
// Facts only; what follows from them is in diagnose.h. Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/model/cgroup_layout.h"
#include "collector/source/bpf/kernel_facts.h"

namespace ballast::doctor {

// A daemon that knows names of workloads.
struct RuntimeSocket {
  std::string runtime;  // "docker"
  std::string path;
  bool exists = false;
};

struct HostFacts {
  source::KernelFacts kernel;
  std::optional<std::uint64_t> capabilities;  // effective set as a mask; absent: not readable
  model::CgroupLayout layout;
  std::string layout_problem;               // why there is no layout; empty: there is one
  std::vector<std::string> v2_controllers;  // of the cgroup2 root
  std::vector<std::string> v2_enabled;      // for its children
  std::optional<std::uint64_t> open_files;  // hard limit
  std::vector<RuntimeSocket> sockets;
  bool kvm = false;
};

HostFacts ReadHostFacts();

}  // namespace ballast::doctor

#pragma once

// Who lives in a cgroup, told from its path alone. The path is there when the
// directory is, with no daemon to ask; names and images follow later from the
// runtime's socket, where there is one.
//
//   Classify("/system.slice/docker-<64 hex>.scope/init", {})
//     -> container, docker, path "/system.slice/docker-<64 hex>.scope"
//
// Pure. Layouts and their sources: README.md; one row per layout in the tests.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/model/entity.h"

namespace ballast::discover {

// Empty texts: the path does not say.
struct Identity {
  model::EntityKind kind = model::EntityKind::kContainer;
  std::string path = {};     // of the workload's own group: the path asked about or one above it
  std::string runtime = {};  // as Field::kRuntime
  std::string container_id = {};  // the runtime's own
  std::string name =
      {};  // unit, VM, machine, job or plain group; containers have none in their path
  std::string pod_uid = {};     // with dashes, as the API server writes it
  std::string qos = {};         // "guaranteed", "burstable" or "besteffort"
  std::string name_space = {};  // containerd's; Kubernetes' is not in the path
  std::string outer_id = {};    // the container around this nested one

  friend bool operator==(const Identity&, const Identity&) = default;
};

// Affects what is tracked.
struct ClassifyOptions {
  // Each direct child of these is a workload ("/ballast-demo"). Add the parent of groups that no
  // runtime names.
  std::vector<std::string> prefixes = {};
  // Units directly below these are tracked as slices. Empty: containers and VMs only.
  std::vector<std::string> slices = {"/system.slice", "/user.slice"};
  // Shell patterns (fnmatch, `*` also matches `/`) on the workload's path. No include: all. Exclude
  // wins.
  std::vector<std::string> include = {};
  std::vector<std::string> exclude = {};
};

// The workload that `path` belongs to: itself, or the group above that it rolls
// up into (a tool call's group, systemd inside a container, a VM's vcpu0). Of
// nested containers the innermost. nullopt: it belongs to none.
// Requires: `path` is below the hierarchy's root and begins with a slash.
std::optional<Identity> Classify(std::string_view path, const ClassifyOptions& options);

}  // namespace ballast::discover

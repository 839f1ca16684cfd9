#pragma once

// The table of layouts: how each runtime names the group of a workload. Used by
// classify.cpp alone.

#include <array>
#include <string_view>

#include "collector/model/entity.h"

namespace ballast::discover {

// What stands between a rule's prefix and suffix.
enum class IdForm {
  kHex64,  // 64 lower-case hex digits: an OCI container id. Also what tells `crio-<id>` from
           // `crio-conmon-<id>`.
  kDigits,
  kAny,  // anything but nothing
};

// How it is to be understood.
enum class Says {
  kId,       // the runtime's id
  kName,     // a name, escaped as systemd does (systemd.unit(5))
  kJob,      // a number that is an id; the whole element is the name
  kMachine,  // "<number>-<name>", as libvirt counts its domains; escaped
};

struct LayoutRule {
  std::string_view runtime;
  model::EntityKind kind;
  std::string_view
      prefix;  // of the element, after any "<parent>:" that cgroupfs drivers leave in it
  IdForm form;
  std::string_view suffix;
  Says says;
  // Shell patterns for the two elements above; empty: any.
  std::string_view parent = "";
  std::string_view grandparent = "";
  // 0: anywhere. Else the rule holds only for the n-th element of the path.
  std::size_t depth = 0;
  // The parent's name is the runtime's namespace.
  bool parent_is_namespace = false;
};

inline constexpr auto kContainer = model::EntityKind::kContainer;
inline constexpr auto kVm = model::EntityKind::kVm;

// table. The first rule that holds for an element wins, so the general ones
// (a bare 64-digit id) come last.
inline constexpr std::array kLayoutRules = {
    // systemd cgroup driver: one scope per container.
    LayoutRule{"docker", kContainer, "docker-", IdForm::kHex64, ".scope", Says::kId},
    LayoutRule{"containerd", kContainer, "cri-containerd-", IdForm::kHex64, ".scope", Says::kId},
    LayoutRule{"containerd", kContainer, "nerdctl-", IdForm::kHex64, ".scope", Says::kId},
    LayoutRule{"cri-o", kContainer, "crio-", IdForm::kHex64, ".scope", Says::kId},
    LayoutRule{"podman", kContainer, "libpod-", IdForm::kHex64, ".scope", Says::kId},
    // cgroupfs driver.
    LayoutRule{"cri-o", kContainer, "crio-", IdForm::kHex64, "", Says::kId},
    LayoutRule{"podman", kContainer, "libpod-", IdForm::kHex64, "", Says::kId},
    LayoutRule{"docker", kContainer, "", IdForm::kHex64, "", Says::kId, "docker"},
    // "slice:prefix:id" given to a runtime that does not speak to systemd stays as it is.
    LayoutRule{"containerd", kContainer, "cri-containerd:", IdForm::kHex64, "", Says::kId},
    LayoutRule{"docker", kContainer, "docker:", IdForm::kHex64, "", Says::kId},
    LayoutRule{"cri-o", kContainer, "crio:", IdForm::kHex64, "", Says::kId},
    LayoutRule{"podman", kContainer, "libpod:", IdForm::kHex64, "", Says::kId},
    // System containers.
    LayoutRule{"lxc", kContainer, "lxc.payload.", IdForm::kAny, "", Says::kName},
    LayoutRule{"lxc", kContainer, "", IdForm::kAny, "", Says::kName,
               "lxc"},  // Proxmox; LXC before 4
    LayoutRule{"nspawn", kContainer, "systemd-nspawn@", IdForm::kAny, ".service", Says::kName,
               "machine.slice"},
    // Virtual machines.
    LayoutRule{"libvirt", kVm, "machine-qemu\\x2d", IdForm::kAny, ".scope", Says::kMachine,
               "machine.slice"},
    LayoutRule{"libvirt", kContainer, "machine-lxc\\x2d", IdForm::kAny, ".scope", Says::kMachine,
               "machine.slice"},
    LayoutRule{"libvirt", kVm, "qemu-", IdForm::kAny, ".libvirt-qemu", Says::kMachine},
    LayoutRule{"libvirt", kContainer, "lxc-", IdForm::kAny, ".libvirt-lxc", Says::kMachine},
    LayoutRule{"qemu", kVm, "", IdForm::kDigits, ".scope", Says::kName, "qemu.slice"},  // Proxmox
    LayoutRule{"e2b", kVm, "sbx-", IdForm::kAny, "", Says::kId, "e2b"},
    LayoutRule{"firecracker", kVm, "", IdForm::kAny, "", Says::kId,
               "firecracker"},  // its jailer's default parent
    // After libvirt's: every machine that registers with machined has such a scope.
    LayoutRule{"nspawn", kContainer, "machine-", IdForm::kAny, ".scope", Says::kName,
               "machine.slice"},
    // Batch and build systems.
    LayoutRule{"slurm", kContainer, "job_", IdForm::kDigits, "", Says::kJob, "uid_*", "slurm*"},
    LayoutRule{"slurm", kContainer, "job_", IdForm::kDigits, "", Says::kJob, "*slurmstepd.scope"},
    LayoutRule{"ecs", kContainer, "", IdForm::kHex64, "", Says::kId, "", "ecs"},
    LayoutRule{"ecs", kContainer, "", IdForm::kAny, "", Says::kId, "", "ecs",
               3},  // Fargate: <task>-<number>
    LayoutRule{"buildkit", kContainer, "", IdForm::kAny, "", Says::kId, "buildkit"},
    // The kubelet's cgroupfs driver: the path does not say which runtime it asked.
    LayoutRule{"kubernetes", kContainer, "", IdForm::kHex64, "", Says::kId, "pod*"},
    // ctr and nerdctl: /<namespace>/<id>. ctr's ids are free text, hence only in its default
    // namespace.
    LayoutRule{"containerd", kContainer, "", IdForm::kHex64, "", Says::kId, "", "", 2, true},
    LayoutRule{"containerd", kContainer, "", IdForm::kAny, "", Says::kId, "default", "", 2, true},
    // A runtime that was given a parent of its own (docker run --cgroup-parent).
    LayoutRule{"oci", kContainer, "", IdForm::kHex64, "", Says::kId},
};

// Helpers that runtimes keep beside their containers. Not workloads, though
// some look like a unit or a container.
inline constexpr std::array<std::string_view, 4> kSupervisorPrefixes = {
    "libpod-conmon-", "crio-conmon-", "lxc.monitor", "lxc.pivot"};

}  // namespace ballast::discover

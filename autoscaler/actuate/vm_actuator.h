#pragma once

// Limits of virtual machines, through libvirt where that runs them and through
// QEMU's machine protocol where a socket was named:
//
//                 libvirt                        QMP
//   kMemory       the balloon: down only to what the guest says it needs, up to what it was
//                 started with
//   kCpu          global_quota                   the quota of its group, as for every workload
//                 and vCPUs are plugged in where the quota is more than those that are there can
//                 use
//   kCpuWeight    cpu_shares                     the weight of its group
//   kIoBandwidth  total_bytes_sec of each disk   block_set_io_throttle of each disk
//
// A group is libvirt's by its name, and QMP's when the process that listens on one of
// the configured sockets lives in it. Everything else goes to the file actuator below.
// A VM's memory limits in cgroup files are left alone: meeting one would end the guest;
// of libvirt's groups no file is written at all.
//
// Not thread-safe; owned by the loop. Whoever runs the VM is asked by a thread for each,
// and waited for no longer than kVmPatience: what comes later counts from the next call on.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/actuate/release.h"
#include "autoscaler/actuate/side_thread.h"
#include "autoscaler/actuate/vm.h"

namespace ballast::actuate {

inline constexpr std::chrono::milliseconds kVmPatience{50};

struct VmActuatorOptions {
  // Sockets that nobody else uses; %n and %p stand for anything. Empty: no VM is resized by QMP.
  std::vector<std::string> qmp_sockets = {};
  // Address of libvirt. Empty: VMs that it runs are left alone.
  std::string libvirt = {};
  // Where cgroup2 is mounted: which unit a weight has. Empty: nowhere.
  std::string unified_root = {};
  std::string proc = "/proc";
  OpenVmPort open = OpenVm;
  // As FindLibvirtDomain().
  std::function<Result<VmAddress>(const std::string&, const LibvirtGroup&)> find_domain =
      FindLibvirtDomain;
};

class VmActuator final : public Actuator {
 public:
  // Both outlive the actuator; `files` keeps the journal.
  VmActuator(VmActuatorOptions options, CgroupActuator& files, const Clock& clock)
      : options_(std::move(options)), files_(&files), clock_(&clock) {}

  // A VM that has not answered yet is an Adoption with EAGAIN: ask again.
  std::vector<Adoption> Adopt(const std::vector<Group>& groups) override;
  void Forget(const model::WorkloadKey& key) override;
  Actuation Set(const Group& group, Resource resource, std::int64_t amount) override;
  std::vector<std::string> Rest(BootTime now) override;
  // Before a release: waits a moment for what was asked, which would else come after it.
  void Settle();
  std::string OwnerOf(const Group& group) const override;

  // As the files', and for the VMs as well; all of them are adopted anew afterwards.
  Result<Released> Narrow(std::vector<std::string> prefixes, std::string shared_pool = {},
                          std::vector<std::string> left_alone = {});

 private:
  // What a side thread finds out about a VM before it is adopted; its second owner.
  struct Acquaintance {
    std::shared_ptr<Vm> vm;
    std::optional<Error> error;
    std::vector<Original> originals;
  };
  struct Known {
    Known(std::string where, std::shared_ptr<Acquaintance> met)
        : path(std::move(where)), aside("ballast-vm"), acquaintance(std::move(met)) {}
    std::string path;  // of its group
    SideThread aside;
    std::shared_ptr<Acquaintance> acquaintance;
    std::shared_ptr<Vm> vm;  // empty: not adopted yet; its second owner is the thread
    // What the thread was asked last, until its answer was given.
    struct Asked {
      Resource resource;
      std::int64_t amount;
      std::shared_ptr<Actuation> done;  // its second owner is the thread
    };
    std::optional<Asked> asked;
    BootTime looked_at{};
    std::optional<BootTime> silent_since;
    bool is_said = false;
  };

  std::optional<VmAddress> FindByQmp(const Group& group) const;
  // Begins to ask about a group's VM; null: it is none of a VM.
  Known* Meet(const Group& group);
  std::optional<Error> Finish(Known& known);
  Result<> JournalOnce(const Vm& vm, const std::vector<Original>& originals);
  // False: it has not answered; the next one is asked without waiting.
  bool WaitFor(Known& known);
  // On the VM's thread.
  Actuation Ask(Known& known, Resource resource, std::int64_t amount);
  void TakeForeign(Vm& vm);

  VmActuatorOptions options_;
  CgroupActuator* files_;
  const Clock* clock_;
  std::unordered_map<model::WorkloadKey, Known> vms_;
  BootTime impatient_until_{};
};

// Whether a journal's group is a VM, and how it is put back: as ReleaseFile() does. False: whoever
// runs the VM does not answer, and should not be asked again soon.
bool IsVm(const JournalGroup& group);
bool ReleaseVm(JournalGroup& group, Released& released, const OpenVmPort& open = OpenVm);

}  // namespace ballast::actuate

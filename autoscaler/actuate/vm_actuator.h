#pragma once

// Limits of virtual machines through QEMU's machine protocol:
//
//   kMemory       balloon: down only to what the guest says it needs, up to what it was started
//   with kCpu          the quota of its group, as for every workload; vCPUs are plugged in where
//   the quota
//                 is more than those that are there can use
//   kIoBandwidth  block_set_io_throttle of each disk
//
// A group is a VM's when the process that listens on one of the configured
// sockets lives in it. Everything else goes to the file actuator below. A VM's
// memory limits in cgroup files are left alone: meeting one would end the guest.
//
// Not thread-safe; owned by the loop. Each call blocks for at most half a second.

#include <string>
#include <unordered_map>
#include <vector>

#include "autoscaler/actuate/cgroup_actuator.h"
#include "autoscaler/actuate/release.h"
#include "collector/runtime/qmp_control.h"

namespace ballast::actuate {

struct VmActuatorOptions {
  // Sockets that nobody else uses; %n and %p stand for anything. Empty: no VM is resized by QMP.
  std::vector<std::string> qmp_sockets;
  std::string proc = "/proc";
};

class VmActuator final : public Actuator {
 public:
  // Both outlive the actuator; `files` keeps the journal.
  VmActuator(VmActuatorOptions options, CgroupActuator& files, const Clock& clock)
      : options_(std::move(options)), files_(&files), clock_(&clock) {}

  std::vector<Adoption> Adopt(const std::vector<Group>& groups) override;
  void Forget(const model::WorkloadKey& key) override;
  Actuation Set(const Group& group, Resource resource, std::int64_t amount) override;
  void Rest(BootTime now) override { files_->Rest(now); }
  std::string OwnerOf(const Group& group) const override;

  // After files.Narrow() or files.ReleaseAll(), which put the VMs back as well.
  void ForgetAll() { vms_.clear(); }

 private:
  struct Vm {
    std::string socket;
    pid_t pid = 0;
    std::int64_t most_bytes = 0;  // what it was started with
    std::int64_t balloon_seen = 0;
    std::int64_t balloon_wanted = 0;
    std::unordered_map<std::string, std::int64_t> drives_seen;
  };

  // Socket and pid of each VM that answers.
  std::vector<Vm> FindVms() const;
  bool LivesIn(pid_t pid, const std::string& path) const;
  Result<> Remember(Vm& vm);
  Actuation SetBalloon(Vm& vm, std::int64_t bytes);
  Actuation LimitDrives(Vm& vm, std::int64_t bytes_per_second);
  void PlugFor(Vm& vm, std::int64_t millicores);

  VmActuatorOptions options_;
  CgroupActuator* files_;
  const Clock* clock_;
  std::unordered_map<model::WorkloadKey, Vm> vms_;
};

// Whether a journal's group is a VM, and how it is put back: as ReleaseFile() does.
bool IsVm(const JournalGroup& group);
void ReleaseVm(JournalGroup& group, Released& released);

}  // namespace ballast::actuate

#pragma once

// One VM's limits: what was last seen and asked for, and the rules of every write.
// Its calls block; a side thread makes them, one at a time.
//
// Internal to this folder.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/actuate/journal.h"
#include "autoscaler/actuate/vm_port.h"
#include "collector/base/clock.h"

namespace ballast::actuate {

class Vm {
 public:
  // `clock` outlives it; thread-safe unless nobody else moves it.
  Vm(VmAddress address, OpenVmPort open, bool is_v2, const Clock& clock)
      : address_(std::move(address)), open_(std::move(open)), is_v2_(is_v2), clock_(&clock) {}

  const VmAddress& address() const { return address_; }

  // What a release has to put back; asked for once, before the first Set().
  Result<std::vector<Original>> Remember();
  // kMemory, kCpu, kCpuWeight (where the port has those) and kIoBandwidth.
  Actuation Set(Resource resource, std::int64_t amount);
  // Plugs vCPUs in where a quota is above what those that are there can use. Only ever more: a
  // guest may ignore an unplug, and its work is placed on what it has.
  void PlugFor(std::int64_t millicores);

  // Compares everything with what was last seen. Another writer is told by the next Set() of what
  // it changed, and by TakeNews().
  void Look();
  // The guest gives or takes memory that it was asked for.
  bool is_on_its_way() const { return balloon_seen_ != balloon_wanted_; }

  // Sentences about other writers that Look() met since the last call.
  std::vector<std::string> TakeNews() { return std::exchange(news_, {}); }
  // Values of other writers, met since the last call: a release puts those back from now on.
  std::vector<Original> TakeForeign() { return std::exchange(foreign_, {}); }

 private:
  Actuation SetMemory(VmPort& port, std::int64_t bytes);
  Actuation SetQuota(VmPort& port, std::int64_t millicores);
  Actuation SetShares(VmPort& port, std::int64_t thousandths);
  Actuation LimitDrives(VmPort& port, std::int64_t bytes_per_second);
  void Plug(VmPort& port, std::int64_t millicores);
  Actuation Begin(const char* what) const;
  // Another writer's value: it is left alone, and is the one to go back to.
  void Yield(Actuation& done, const std::string& what, std::int64_t seen, std::int64_t now,
             Original original);
  // Each fills `done` and answers true where another writer was there since it was last seen.
  bool IsForeign(Actuation& done, const VmMemory& memory);
  bool IsForeign(Actuation& done, const VmCpu& cpu);
  bool AreSharesForeign(Actuation& done, const VmCpu& cpu);
  bool IsForeign(Actuation& done, const runtime::QmpDrive& drive);
  void Notice(Resource resource, Actuation done);

  VmAddress address_;
  OpenVmPort open_;
  bool is_v2_;  // its cgroup: the unit of shares
  const Clock* clock_;
  std::int64_t balloon_seen_ = 0;
  std::int64_t balloon_wanted_ = 0;
  BootTime balloon_moved_at_{};  // or was asked to, last
  std::int64_t quota_seen_ = -1;
  std::int64_t shares_seen_ = 0;
  runtime::QmpCpus vcpus_seen_;
  std::unordered_map<std::string, std::int64_t> drives_seen_;
  std::vector<Original> foreign_;
  std::map<Resource, Actuation> noticed_;  // by Look(), not told yet
  std::vector<std::string> news_;
};

// Of a cgroup that is gone, or a VM that ended or is another one.
bool IsVmGone(const Error& error);
// Puts back what is in `originals`, and keeps there what could not be; blocks. Adds to `failures`
// one sentence for each, and returns how many were put back.
int PutBackVm(VmPort& port, const std::string& name, std::vector<Original>& originals,
              std::vector<std::string>& failures);
// Takes those out that a guest may need seconds for, and may refuse.
std::vector<Original> TakeVcpus(std::vector<Original>& originals);
// The value of `file` among the originals is `original`'s from now on.
void ReplaceOriginal(std::vector<Original>& originals, const Original& original);

}  // namespace ballast::actuate

#pragma once

// Limits through the kernel's control files, v1 and v2, chosen per controller
// by what the group's directories have:
//
//                v2                          v1
//   kCpu         cpu.max                     cpu.cfs_quota_us (in the period that is set)
//   kCpuWeight   cpu.weight                  cpu.shares
//   kMemory      memory.high; memory.max     memory.limit_in_bytes; memory.memsw.limit_in_bytes
//                is only raised, when it     is raised first where it is set and would stand
//                would stand too close       below
//   kMemoryWait  nothing to do               memory.oom_control
//
// v1 has no memory.high: there the group waits at its limit while this process
// lives, or a burst of 3 GB/s would be killed before any loop can answer.

#include <map>
#include <optional>
#include <unordered_map>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/actuate/cgroup_roots.h"
#include "autoscaler/actuate/control_dir.h"
#include "autoscaler/actuate/journal.h"
#include "autoscaler/actuate/release.h"

namespace ballast::actuate {

struct CgroupActuatorOptions {
  CgroupRoots roots;
  // Only groups below one of these are ever written; none: nothing is.
  std::vector<std::string> prefixes;
  std::string journal_path;
};

class CgroupActuator final : public Actuator {
 public:
  // Keeps what an earlier run journaled and could not put back: those are the
  // true originals. `clock` outlives the actuator.
  static Result<CgroupActuator> Make(CgroupActuatorOptions options, const Clock& clock);

  std::vector<Adoption> Adopt(const std::vector<Group>& groups) override;
  void Forget(const model::WorkloadKey& key) override;
  Actuation Set(const Group& group, Resource resource, std::int64_t amount) override;

  // From now on only groups below these are written; the adopted others are put
  // back, and what could not be stays in the journal.
  Result<Released> Narrow(std::vector<std::string> prefixes);
  // Puts everything back; what could not be stays in the journal.
  Result<Released> ReleaseAll();

 private:
  // One adopted group: its directories and, per file, what was last seen there
  // by us. A difference is another writer.
  struct Adopted {
    std::string path;  // of the group
    std::optional<ControlDir> cpu;
    std::optional<ControlDir> memory;
    bool cpu_v2 = false;
    bool memory_v2 = false;
    std::map<std::string, std::string> last_seen;
  };

  CgroupActuator(CgroupActuatorOptions options, const Clock& clock, Journal journal)
      : options_(std::move(options)), clock_(&clock), journal_(std::move(journal)) {}

  bool IsAllowed(std::string_view path) const;
  Result<Adopted> Open(const Group& group) const;
  // Reads the originals of every file that may be written into `last_seen` and the journal.
  Result<> Remember(Adopted& adopted);
  // Out of the journal, as a journal of its own.
  Journal TakeFromJournal(const Adopted& adopted);

  Actuation SetCpu(Adopted& adopted, std::int64_t millicores);
  Actuation SetWeight(Adopted& adopted, std::int64_t thousandths);
  Actuation SetMemoryV1(Adopted& adopted, std::int64_t bytes);
  Actuation SetMemoryV2(Adopted& adopted, std::int64_t bytes);
  Actuation SetMemoryWait(Adopted& adopted, bool wait);
  // Reads `file`, compares with what was last seen, writes, reads back.
  Actuation WriteChecked(Adopted& adopted, const ControlDir& dir, const char* file,
                         const std::string& value);
  // The other writer's value is what a release has to put back from now on.
  void TakeOver(Adopted& adopted, const ControlDir& dir, const char* file,
                const std::string& value);

  CgroupActuatorOptions options_;
  const Clock* clock_;
  Journal journal_;
  std::unordered_map<model::WorkloadKey, Adopted> adopted_;
};

}  // namespace ballast::actuate

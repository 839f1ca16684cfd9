#pragma once

// Limits through the kernel's control files, v1 and v2, chosen per controller
// by what the group's directories have:
//
//                v2                          v1
//   kCpu         cpu.max, cpu.max.burst      cpu.cfs_quota_us (in the period that is set),
//                                            cpu.cfs_burst_us
//   kCpuWeight   cpu.weight                  cpu.shares
//   kMemory      memory.high; memory.max     memory.limit_in_bytes; memory.memsw.limit_in_bytes
//                is only raised, when it     follows at the same distance where it is set:
//                would stand too close       raised before, lowered after
//   kMemoryPool  memory.high of the parent   memory.limit_in_bytes of the parent
//   kMemoryGuarantee  memory.low             nothing to do
//   kMemoryWait  nothing to do               memory.oom_control
//   kFreeze      cgroup.freeze               freezer.state
//
// v1 has no memory.high: there the group (and the pool) waits at its limit while
// this process lives, or a burst of 3 GB/s would be killed before any loop can answer.

#include <map>
#include <optional>
#include <unordered_map>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/actuate/cgroup_roots.h"
#include "autoscaler/actuate/control_dir.h"
#include "autoscaler/actuate/journal.h"
#include "autoscaler/actuate/release.h"
#include "autoscaler/actuate/runtime_teller.h"
#include "autoscaler/actuate/unit_owner.h"

namespace ballast::actuate {

struct CgroupActuatorOptions {
  CgroupRoots roots;
  // Only groups below one of these are ever written; none: nothing is.
  std::vector<std::string> prefixes;
  // Nor is what has one of these that is as long or longer.
  std::vector<std::string> left_alone = {};
  std::string journal_path = {};
  // The one group that may be a pool, below a prefix too; empty: none. It is never written above
  // the limit that stood there before.
  std::string shared_pool = {};
  // Units of systemd are told of their limits. `bus`: a D-Bus address; empty: the system bus.
  bool tell_systemd = true;
  std::string bus = {};
  // Docker or Podman sockets that are told of their containers' limits, once those have stood for
  // some seconds: an update takes a daemon too long to answer a burst with. Empty: nobody is told.
  std::vector<std::string> runtime_sockets = {};
  // Quota that was not used may be used later, up to this share of it; 0: as it is set. 0 to 1.
  double cpu_burst = 0;
};

class CgroupActuator final : public Actuator {
 public:
  // Keeps what an earlier run journaled and could not put back: those are the
  // true originals. `clock` outlives the actuator.
  static Result<CgroupActuator> Make(CgroupActuatorOptions options, const Clock& clock);

  std::vector<Adoption> Adopt(const std::vector<Group>& groups) override;
  void Forget(const model::WorkloadKey& key) override;
  Actuation Set(const Group& group, Resource resource, std::int64_t amount) override;
  // Begins to tell at most one runtime of one container whose limits have come to rest.
  std::vector<std::string> Rest(BootTime now) override;
  std::string OwnerOf(const Group& group) const override;

  // The one journal is kept here for the other interfaces, too; durable when it returns. What is
  // there under the same directory and inode is replaced.
  Result<> AddToJournal(const JournalGroup& group);
  std::optional<JournalGroup> FindInJournal(std::uint64_t inode,
                                            const std::string& directory) const;
  // In memory only; the next adoption saves it. A dead group in the file is harmless.
  std::optional<JournalGroup> TakeFromJournal(std::uint64_t inode, const std::string& directory);
  bool IsAllowed(std::string_view path) const;

  // From now on only groups below `prefixes` and not `left_alone` are written, and only
  // `shared_pool` is a pool; the adopted others are put back, and what could not be stays in the
  // journal.
  Result<Released> Narrow(std::vector<std::string> prefixes, std::string shared_pool = {},
                          std::vector<std::string> left_alone = {});
  // From the next quota on.
  void SetCpuBurst(double share) { options_.cpu_burst = share; }
  // Puts everything back; what could not be stays in the journal.
  Result<Released> ReleaseAll();

 private:
  // One adopted group: its directories and, per file, what was last seen there
  // by us. A difference is another writer.
  struct Adopted {
    model::WorkloadKey key;
    std::string path;  // of the group
    std::optional<ControlDir> cpu;
    std::optional<ControlDir> memory;
    std::optional<ControlDir> freezer;  // of whichever hierarchy its processes are in
    bool cpu_v2 = false;
    bool memory_v2 = false;
    bool freezer_v2 = false;
    bool is_pool = false;
    std::string unit;       // of systemd; empty: none
    std::string container;  // id, where a runtime is told; empty: none
    std::string runtime_socket;
    bool runtime_knows = true;
    // What the files held when the runtime was told last; it may write that at any later time.
    std::map<std::string, std::string> told;
    BootTime written_at{};
    std::optional<std::int64_t> original_memory;  // the lowest limit before ours; absent: none
    std::string unfrozen;                         // of the freezer file, before ours
    std::int64_t swap_allowance = 0;              // v1: memory + swap stood so far above memory
    void TakeOriginals(const std::vector<Original>& originals);
    std::map<std::string, std::string> last_seen;
  };

  CgroupActuator(CgroupActuatorOptions options, const Clock& clock, Journal journal)
      : options_(std::move(options)),
        clock_(&clock),
        journal_(std::move(journal)),
        systemd_(options_.bus),
        runtimes_(options_.runtime_sockets) {}

  Result<Adopted> Open(const Group& group);
  static Result<> CheckPool(Adopted& pool);
  void OpenFreezer(Adopted& adopted) const;
  std::string OriginalOf(const ControlDir& dir, const std::string& file,
                         const std::string& value) const;
  // Reads the originals of every file that may be written into `last_seen` and the journal.
  Result<> Remember(Adopted& adopted);
  // Out of the journal, as a journal of its own.
  Journal TakeFromJournal(const Adopted& adopted);

  Actuation SetCpu(Adopted& adopted, std::int64_t millicores);
  Actuation WriteQuota(Adopted& adopted, const char* file, const std::string& value,
                       std::int64_t quota_us);
  Actuation SetWeight(Adopted& adopted, std::int64_t thousandths);
  Actuation SetMemory(Adopted& adopted, std::int64_t bytes);
  Actuation SetMemoryPool(Adopted& pool, std::int64_t bytes);
  Actuation SetMemoryGuarantee(Adopted& adopted, std::int64_t bytes);
  Actuation SetMemoryV1(Adopted& adopted, std::int64_t bytes);
  Actuation SetMemoryV2(Adopted& adopted, std::int64_t bytes);
  Actuation SetMemoryWait(Adopted& adopted, bool wait);
  Actuation SetFreeze(Adopted& adopted, bool freeze);
  // Reads `file`, compares with what was last seen, writes, reads back.
  Actuation WriteChecked(Adopted& adopted, const ControlDir& dir, const char* file,
                         const std::string& value);
  void TellRuntime(Adopted& adopted);
  // Afterwards every file holds what it should: what a runtime wrote on the way is ours.
  std::vector<std::string> SettleTold(const RuntimeTeller::Told& told, BootTime now);
  // Whether a value that we did not write there is the runtime's doing, on our own word.
  bool IsRuntimes(const Adopted& adopted, const char* file, const std::string& value) const;
  // The other writer's value is what a release has to put back from now on.
  void TakeOver(Adopted& adopted, const ControlDir& dir, const char* file,
                const std::string& value);

  CgroupActuatorOptions options_;
  const Clock* clock_;
  Journal journal_;
  UnitOwner systemd_;
  RuntimeTeller runtimes_;
  bool runtimes_silent_ = false;
  std::unordered_map<model::WorkloadKey, Adopted> adopted_;
};

}  // namespace ballast::actuate

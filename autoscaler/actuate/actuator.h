#pragma once

// The one way to the kernel's limits. The loop says what should be; an Actuator
// reads what is, notices other writers, writes, reads back and reports.
//
//   actuator.Adopt(groups);                          // journals the originals, once
//   Actuation done = actuator.Set(group, Resource::kCpu, 1500);
//
// Not thread-safe; owned by the loop.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/base/clock.h"
#include "collector/base/result.h"
#include "collector/model/entity.h"

namespace ballast::actuate {

// A workload's cgroup: its identity and its path below every hierarchy.
struct Group {
  model::WorkloadKey key;  // cgroup id 0: whichever stands there when it is adopted
  std::string path;        // begins with a slash
};

enum class Resource {
  kCpu,              // millicores
  kMemory,           // bytes
  kCpuWeight,        // thousandths of the kernel's default weight
  kMemoryWait,       // 1: wait at the memory limit, 0: be killed there; only v1 has it
  kMemoryPool,       // bytes; the limit of the parent whose children share it
  kMemoryGuarantee,  // bytes that reclaim leaves alone; only v2 has it
  kIoBandwidth,      // bytes per second of each disk; only VMs have it; 0: no limit
  kFreeze,           // 1: nothing inside runs; 0: as it was before. No VM has it
};
const char* ToString(Resource resource);

// Exported by name; append only.
enum class Outcome {
  kApplied,    // written, and read back as written
  kUnchanged,  // stood there already
  kForeign,    // somebody else changed it; nothing was written
  kGone,       // the cgroup is no more, or another one has its path
  kRefused,    // not allowed, below use, or the kernel said no; nothing changed
  kFailed,     // what was read back is not what was written
};
const char* ToString(Outcome outcome);

struct Actuation {
  Outcome outcome = Outcome::kFailed;
  std::string file;    // full path of the main control file
  std::string before;  // its content
  std::string after;   // its content read back; empty if nothing was written
  std::string error;   // a sentence unless applied or unchanged
  // What is in force now, in the resource's unit; nullopt: no limit, or not known.
  std::optional<std::int64_t> in_force;
  BootTime written_at{};  // when it stood in the file
};

struct Adoption {
  Group group;
  std::optional<Error> error;  // absent: adopted
  // The memory that may be held there at most, as it stood before Ballast wrote; absent: no
  // limit, or not known.
  std::optional<std::int64_t> original_memory = std::nullopt;
};

class Actuator {
 public:
  virtual ~Actuator() = default;

  // Makes the groups writable: checks that they may be touched, remembers who
  // they are, journals every original value. A group that is adopted already is
  // no error. Slow (fsync); never called while somebody waits for an answer.
  virtual std::vector<Adoption> Adopt(const std::vector<Group>& groups) = 0;
  // The group died: its journal entries are dropped, lazily.
  virtual void Forget(const model::WorkloadKey& key) = 0;
  // Refused for groups that were not adopted.
  virtual Actuation Set(const Group& group, Resource resource, std::int64_t amount) = 0;
  // Called often, when nobody waits: what may take its time is begun here, a little at a time.
  // Returns sentences for the user, each once when it becomes true.
  virtual std::vector<std::string> Rest(BootTime) { return {}; }
  // Which interface a group's limits go through, for people: "cgroup", "qmp", ...
  virtual std::string OwnerOf(const Group&) const { return "cgroup"; }
};

// Whether `path` is `prefix` or lies below it. The root and everything that
// could name it ("", "/", "..") lies below nothing.
bool IsBelow(std::string_view path, std::string_view prefix);

}  // namespace ballast::actuate

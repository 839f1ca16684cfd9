#pragma once

// What every source of measurements looks like to the pipeline. A source knows
// one interface of the kernel or of a VMM and nothing about records.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/clock.h"
#include "collector/base/result.h"
#include "collector/model/cgroup_layout.h"
#include "collector/model/record.h"

namespace ballast::source {

// Dense number of a tracked workload, 1 to the configured bound; reused after
// death, never while the old owner is remembered. 0: the host, or `other`.
using Slot = std::uint32_t;
inline constexpr Slot kHostSlot = 0;

// A workload as sources need it: where it lies in the kernel's trees.
struct Tracked {
  Slot slot = 0;
  model::WorkloadKey key;
  std::vector<model::CgroupDirectory> directories;
  model::EntityRef ref = model::kHostRef;  // what records call it
};

// One tick's measurements, filled by the sources in the order of the pipeline.
// A source that supplies a field only as a fallback sets it where it is absent.
class Sample {
 public:
  virtual ~Sample() = default;
  // Requires: a tracked slot, or kHostSlot for the host's own fields.
  virtual model::FieldSet& Of(Slot slot) = 0;
  // A device, interface, vCPU, loss counter, ... of `parent`; `name` tells
  // siblings of a kind apart. Those not named in a tick are gone, unless:
  virtual model::FieldSet& Child(Slot parent, model::EntityKind kind, std::string_view name) = 0;
  // Children of this kind that are not named in this tick stand as they were:
  // for sources that know what changed.
  virtual void KeepChildren(Slot parent, model::EntityKind kind) = 0;
  // This workload did nothing since the last tick: its last values stand, but
  // for what a source sets all the same. Not heeded where there are no last
  // values, or where an event said otherwise.
  virtual void Keep(Slot slot) = 0;
  // Whether to save the effort of measuring it.
  virtual bool IsKept(Slot /*slot*/) const { return false; }
  // Nothing of it ran, but others may have changed it: memory reclaimed, a limit
  // set. The source that sees that first keeps it if nothing is changed.
  virtual void Doze(Slot /*slot*/) {}
  virtual bool IsDozing(Slot /*slot*/) const { return false; }
};

// Something that happened, seen between ticks. `fields` hold kEventTimeNs.
struct SourceEvent {
  model::EventKind kind{};
  Slot slot = kHostSlot;
  model::FieldSet fields;
};

// A cgroup was made or removed somewhere; a hint for discovery, which looks for
// itself. Hints may be lost (counted by the source).
struct CgroupChange {
  enum class Kind { kMade, kRemoved };
  Kind kind{};
  std::uint32_t hierarchy_id = 0;
  std::uint64_t id = 0;
  std::uint64_t parent_id = 0;
  std::string path;  // below the hierarchy's root; may be cut or empty
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void OnEvent(SourceEvent event) = 0;
  virtual void OnCgroup(const CgroupChange& change) = 0;
  // Who a workload is, learned after its birth: texts that join its identity,
  // and its kind where that turned out to be another one (a plain group with a
  // VM in it). Of a slot that nobody has: ignored.
  virtual void OnIdentity(Slot /*slot*/, std::optional<model::EntityKind> /*kind*/,
                          const model::FieldSet& /*identity*/) {}
};

// Not thread-safe; owned by the tick thread.
class Source {
 public:
  virtual ~Source() = default;

  // Constant, for logs and metrics: "bpf_walk".
  virtual std::string_view name() const = 0;

  // A workload began, or directories were added to a tracked one or taken away
  // (same slot and key): its counters go on. An error means that this source cannot measure it; the
  // others still do.
  virtual Result<> Track(const Tracked& workload) = 0;
  // Adds what is known beyond the last tick of a workload whose cgroup is gone.
  virtual void ReadFinal(Slot slot, model::FieldSet& last) = 0;
  virtual void Untrack(Slot slot) = 0;

  // Before the first Collect() of a tick: keeps those that surely did nothing.
  virtual void KeepQuiet(Sample& /*sample*/) {}

  // An error belongs to this tick alone: it is counted and logged, and the tick
  // goes on without this source.
  virtual Result<> Collect(Sample& sample) = 0;

  // Readable when Drain() has something to tell; -1: never.
  virtual int event_fd() const { return -1; }
  virtual void Drain(EventSink& /*sink*/) {}
};

}  // namespace ballast::source

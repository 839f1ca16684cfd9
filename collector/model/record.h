#pragma once

// The one currency: what a host knew, in three kinds of record (DESIGN: tick,
// event, key). The same values are streamed, stored, replayed and produced by
// the simulator. Encoding: collector/record. Applying them: state.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/base/clock.h"
#include "collector/model/entity.h"

namespace ballast::model {

// Values are part of the record format; append only.
enum class EventKind : std::uint16_t {
  kWorkloadBorn = 1,     // rows[0]: the whole entity
  kWorkloadDied = 2,     // rows[0]: its final values; the entity is gone after it
  kWorkloadChanged = 3,  // rows[0]: identity filled in later (name, image, limits)
  kThrottleBegin = 10,   // subject used up its quota; event_time_ns is the kernel's
  kMemoryLimit = 11,     // subject hit a memory limit and reclaims
  kOomKill = 12,
  kPressure = 13,
  kToolCall = 20,    // a span that ended
  kToolBegin = 21,   // exec of a tool call; fields: span_id, program
  kDecision = 30,    // fields: the host's part; rows: each workload decided about
  kActuation = 31,   // a limit written, or refused: `outcome`, `error`
  kAutoscaler = 32,  // started, stopped, held, released, mode changed
  kMigration = 33,
  kGap = 40,     // records are missing here; `text` says how many and why
  kSource = 41,  // a source degraded or recovered
};
// "throttle_begin"; "unknown" for a newer writer's kind.
std::string_view NameOf(EventKind kind);

struct RecordHeader {
  std::string host;
  std::string boot_id;            // 36 characters, as in /proc/sys/kernel/random/boot_id
  std::uint64_t incarnation = 0;  // BootTime at which this collector started, in ns
  std::uint64_t sequence = 0;     // from 1 within the incarnation, without holes
  BootTime at{};
  std::chrono::nanoseconds wall_offset{};  // WallTime - BootTime

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

// The fields of each entity that changed since the last record.
struct Tick {
  std::vector<EntityRow> rows;
  std::vector<EntityRef> removed;  // entities other than workloads (those die by event)

  friend bool operator==(const Tick&, const Tick&) = default;
};

// Something that happened, recorded at once. `fields` describe the event
// itself; rows are applied to the state of the entities that they name.
struct Event {
  EventKind kind{};
  std::optional<EntityRef> subject;
  // Of the subject, for readers that joined late and for submitted events,
  // whose sender may hold references of another incarnation.
  std::optional<WorkloadKey> key;
  FieldSet fields;
  std::vector<EntityRow> rows;

  friend bool operator==(const Event&, const Event&) = default;
};

// A field that the writer knows; readers use it to name what they do not know.
struct FieldName {
  std::uint32_t number = 0;
  std::string name;

  friend bool operator==(const FieldName&, const FieldName&) = default;
};

// The whole state: reading can start at any key.
struct Key {
  std::vector<EntityRow> entities;  // the host first, parents before children
  std::vector<FieldName> field_names;

  friend bool operator==(const Key&, const Key&) = default;
};

struct Record {
  RecordHeader header;
  std::variant<Tick, Event, Key> body;

  friend bool operator==(const Record&, const Record&) = default;
};

}  // namespace ballast::model

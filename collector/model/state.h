#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "collector/model/record.h"

namespace ballast::model {

struct Entity {
  EntityKind kind = EntityKind::kHost;
  EntityRef parent = kHostRef;
  FieldSet fields;
};

// What a host knew after a series of records: the reader's side of the record.
// The autoscaler, the API, the exporter and the replay all look at a State, so
// a live host and a file cannot differ.
//
//   State state;
//   for (const Record& record : records) state.Apply(record);
//
// Reading may start in the middle: until the first key `is_whole()` is false
// and rows about unknown entities are left out.
// Not thread-safe; owned by one reader.
class State {
 public:
  enum class Applied {
    kYes,
    kSkipped,  // before the first key, or sequence already applied
    kGap,      // applied, but records between are missing; counters stay valid, events are lost
    kReset,    // another incarnation or boot began: everything before is forgotten
  };

  // Takes any record; a tick or event of an unknown incarnation is skipped
  // until its key arrives.
  Applied Apply(const Record& record);

  bool is_whole() const { return whole_; }
  // Of the last record applied. Requires: is_whole().
  const RecordHeader& header() const { return header_; }

  // Ordered by reference: parents before children, the same on every reader.
  const std::map<EntityRef, Entity>& entities() const { return entities_; }
  const Entity* Find(EntityRef ref) const;
  // A workload by its kernel identity.
  std::optional<EntityRef> FindWorkload(WorkloadKey key) const;
  const FieldSet& host() const;

  // The whole state as a key record's body.
  Key ToKey() const;

 private:
  void ApplyRow(const EntityRow& row);
  void Remove(EntityRef ref);
  void Apply(const Tick& tick);
  void Apply(const Event& event);
  void Apply(const Key& key);

  bool whole_ = false;
  RecordHeader header_;
  std::map<EntityRef, Entity> entities_;
  std::unordered_map<WorkloadKey, EntityRef> by_key_;
};

// From the fields of a workload; absent where either field is.
std::optional<WorkloadKey> KeyOf(const FieldSet& fields);
// Every field of this build, for a key record.
std::vector<FieldName> KnownFieldNames();

}  // namespace ballast::model

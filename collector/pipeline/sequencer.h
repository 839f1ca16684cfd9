#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "collector/base/clock.h"
#include "collector/base/result.h"
#include "collector/model/state.h"

namespace ballast::pipeline {

// A record and its frame, made once and shared by every reader.
struct Published {
  model::Record record;
  std::string frame;
};
// Called on the tick thread; must not block. The record outlives the call as
// long as somebody keeps the pointer: the web side reads it on its own thread.
using PublishFn = std::function<void(const std::shared_ptr<const Published>&)>;

struct HostIdentity {
  std::string host;
  std::string boot_id;
};
// Host name and /proc/sys/kernel/random/boot_id.
Result<HostIdentity> ReadHostIdentity();

// The one place that numbers records: whatever is written here gets the next
// sequence number, the time, and its place in the state that keys are made of.
// Not thread-safe; owned by the tick thread.
class Sequencer {
 public:
  // `clock` outlives the sequencer.
  Sequencer(HostIdentity identity, const Clock& clock, PublishFn publish);

  using Body = std::variant<model::Tick, model::Event, model::Key>;
  void Write(Body body);
  // The whole state as a key record.
  void WriteKey();

  const model::State& state() const { return state_; }
  std::uint64_t incarnation() const { return incarnation_; }

 private:
  HostIdentity identity_;
  const Clock& clock_;
  PublishFn publish_;
  std::uint64_t incarnation_;
  std::uint64_t sequence_ = 0;
  model::State state_;
};

}  // namespace ballast::pipeline

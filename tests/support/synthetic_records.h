#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "collector/model/state.h"

namespace ballast::test {

struct SyntheticOptions {
  int workloads = 3;
  std::uint64_t seed = 1;
  std::chrono::nanoseconds tick = std::chrono::milliseconds(100);
  int ticks_per_key = 100;
  // Share of the workloads that do anything in a tick; agents mostly sleep.
  double active_share = 0.2;
};

// Records as a live collector would write them: a key first, then ticks in
// which some workloads burst, throttle and hit their limits, with births and
// deaths in between. The same options give the same records.
//
//   SyntheticHost host({.workloads = 100});
//   for (int i = 0; i < 50; ++i) state.Apply(host.NextTick());
//
// Not thread-safe.
class SyntheticHost {
 public:
  explicit SyntheticHost(SyntheticOptions options = {});

  model::Record Key();
  // Advances time by one tick.
  model::Record NextTick();
  // Key, ticks and the events between them, in order: `ticks` ticks in all.
  std::vector<model::Record> Run(int ticks);

  model::Record Birth();
  model::Record Death(model::EntityRef ref);
  model::Record ThrottleBegin(model::EntityRef ref);
  model::Record MemoryLimit(model::EntityRef ref);

  // Changes one field of one entity; it goes into the next tick.
  void Set(model::EntityRef ref, model::Field field, std::uint64_t value);
  // What a reader knows that applied everything so far.
  const model::State& state() const { return state_; }
  std::vector<model::EntityRef> workloads() const;

 private:
  model::Record Make(model::RecordHeader header, auto body);
  model::RecordHeader NextHeader();
  model::EntityRow NewWorkload();
  void Work(model::EntityRow& row, const model::Entity& entity);

  SyntheticOptions options_;
  std::mt19937_64 random_;
  model::State state_;
  std::vector<model::EntityRow> pending_;  // from Set()
  std::uint64_t sequence_ = 0;
  std::uint32_t next_ref_ = 1;
  BootTime now_ = std::chrono::hours(1);
};

}  // namespace ballast::test

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/model/state.h"

namespace ballast::exposition {

struct ExpositionOptions {
  // Bounds the page: about 12 kB for each workload. Those born last are left out, and counted.
  std::size_t max_workloads = 20'000;
  // For how many pages the counters of a dead workload stay. Two: a scrape that
  // failed must not lose them.
  int pages_after_death = 2;
};

// Writes the page of all workloads in text format 0.0.4.
//
//   exposition.Observe(state, record);  // before state.Apply(record)
//   exposition.Write(state, page);
//
// Not thread-safe; owned by the network thread.
class Exposition {
 public:
  struct LeftOut {
    std::uint64_t over_limit = 0;
    std::uint64_t same_labels = 0;  // two series with equal labels would void the page
  };

  explicit Exposition(ExpositionOptions options = {}) : options_(options) {}

  // Keeps what the state forgets: final values of the dead, the host's part of the last decision.
  void Observe(const model::State& before, const model::Record& record);
  // Appends. Counts as one page for the dead.
  void Write(const model::State& state, std::string& page);

  // Workloads that pages did not show, summed over pages.
  const LeftOut& left_out() const { return left_out_; }

 private:
  struct Dead {
    model::Entity entity;
    int pages_left = 0;
  };
  struct Target;
  struct Targets;
  class FamilyWriter;

  void Collect(const model::State& state, Targets& targets);
  void AddChild(const model::State& state, const model::Entity& entity, Targets& targets);

  ExpositionOptions options_;
  std::vector<Dead> dead_;
  model::FieldSet last_decision_;
  LeftOut left_out_;
};

}  // namespace ballast::exposition

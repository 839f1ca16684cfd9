#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/model/state.h"

namespace ballast::exposition {

// Quantities that a tick has the highest of, and a scrape every 15 s would miss.
enum class Peak : std::uint8_t { kCpu10ms, kCpu100ms, kCpu1s, kMemory, kNum };

// What is counted from events, because no field of the state has it.
enum class Tally : std::uint8_t {
  kOomOwnLimit,
  kOomAncestor,
  kOomHost,
  kCpuLimitRaised,
  kCpuLimitLowered,
  kMemoryLimitRaised,
  kMemoryLimitLowered,
  kNum
};

// The tool call that a latency bucket's exemplar names.
struct Exemplar {
  std::uint64_t span_id = 0;
  std::uint64_t duration_ns = 0;
  WallTime ended{};
};

// What pages need and the state forgets: peaks between two scrapes, counts of
// events, final values of the dead, the host's part of the last decision, the
// last span of each program.
//
//   history.Observe(state, record);  // before state.Apply(record)
//
// Bounded by the workloads that the state holds, and by its options.
// Not thread-safe; owned by the network thread.
class History {
 public:
  struct Options {
    // Peaks are the highest of at least this long and at most twice as long: a
    // scrape interval up to it misses none.
    std::chrono::nanoseconds peak_window = std::chrono::seconds(15);
    // For how many pages the counters of a dead workload stay. Two: a scrape
    // that failed must not lose them.
    int pages_after_death = 2;
    // And for how long at least: two Prometheus servers share the pages.
    std::chrono::nanoseconds time_after_death = std::chrono::seconds(30);
    std::size_t max_dead = 20'000;
    std::size_t max_exemplars = 10'000;
  };
  struct Dead {
    model::EntityRef ref{};
    model::Entity entity;
    BootTime died{};
    int pages_left = 0;
  };
  using Tallies = std::array<std::uint64_t, static_cast<std::size_t>(Tally::kNum)>;

  explicit History(Options options) : options_(options) {}

  void Observe(const model::State& before, const model::Record& record);
  // One page was written `at`: the dead fade.
  void CountPage(BootTime at);

  const std::vector<Dead>& dead() const { return dead_; }
  const model::FieldSet& last_decision() const { return last_decision_; }
  // nullptr: no such event, no such peak.
  const Tallies* FindTallies(model::EntityRef ref) const;
  std::optional<std::uint64_t> FindPeak(model::EntityRef ref, Peak peak) const;
  const Exemplar* FindExemplar(model::EntityRef workload, std::string_view program) const;

 private:
  using Peaks = std::array<std::optional<std::uint64_t>, static_cast<std::size_t>(Peak::kNum)>;
  struct Window {
    Peaks now, before;
  };

  void Forget();
  void RotatePeaks(BootTime at);
  void ObservePeaks(const model::EntityRow& row);
  void ObserveEvent(const model::State& before, const model::Record& record,
                    const model::Event& event);
  void ObserveDeath(const model::State& before, const model::Event& event, BootTime at);
  void ObserveActuation(model::EntityRef subject, const model::FieldSet& fields);

  Options options_;
  std::vector<Dead> dead_;
  model::FieldSet last_decision_;
  std::unordered_map<model::EntityRef, Tallies> tallies_;
  std::unordered_map<model::EntityRef, Window> peaks_;
  BootTime window_began_{};
  std::map<std::pair<model::EntityRef, std::string>, Exemplar, std::less<>> exemplars_;
};

}  // namespace ballast::exposition

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "collector/model/state.h"

namespace ballast::serve {

// What people want to see of counters: change over the last second, and the
// waits of the last ten. Time is the records' own.
//
//   window.Observe(record, state);      // after each record applied
//   window.Of(ref, entity, state.header().at).cpu_cores
//
// Not thread-safe. About 3 kB for each workload.
class RateWindow {
 public:
  struct Rates {
    std::optional<double> cpu_cores;
    std::optional<double> throttled_share;          // throttled time of wall time, summed over CPUs
    std::optional<double> throttled_periods_share;  // of the periods in which it ran
    // Absent also where nothing waited.
    std::optional<double> run_queue_wait_p50_ns;
    std::optional<double> run_queue_wait_p99_ns;
  };

  void Observe(const model::Record& record, const model::State& state);
  Rates Of(model::EntityRef ref, const model::Entity& entity, BootTime now) const;

 private:
  static constexpr auto kCounterStep = std::chrono::milliseconds(200);
  static constexpr auto kWaitStep = std::chrono::milliseconds(1000);
  // 5 steps back is the second, 10 steps the ten seconds.
  static constexpr std::size_t kCounterSlots = 6;
  static constexpr std::size_t kWaitSlots = 11;
  static constexpr std::array kCounters = {model::Field::kCpuUsageNs, model::Field::kCpuThrottledNs,
                                           model::Field::kCpuPeriods,
                                           model::Field::kCpuThrottledPeriods};

  template <typename Value, std::size_t kSlots>
  struct Ring {
    struct Slot {
      BootTime at{};
      Value value{};
    };
    std::array<Slot, kSlots> slots{};
    std::size_t count = 0;  // ever pushed

    void Push(BootTime at, const Value& value) { slots[count++ % kSlots] = {at, value}; }
    // What it holds stood until `at`: it begins there anew.
    void BeginAt(BootTime at) {
      if (count == 0) return;
      slots[0] = {at, Newest()->value};
      count = 1;
    }
    const Slot* Newest() const { return count == 0 ? nullptr : &slots[(count - 1) % kSlots]; }
    const Slot* Oldest() const {
      return count == 0 ? nullptr : &slots[count < kSlots ? 0 : count % kSlots];
    }
  };
  using Counters = std::array<std::optional<std::uint64_t>, kCounters.size()>;
  struct Track {
    Ring<Counters, kCounterSlots> counters;
    Ring<model::Histogram, kWaitSlots> waits;
    BootTime told_of{};  // the last record that did
    bool is_changing = false;
  };

  void Note(const model::EntityRow& row, const model::State& state);
  void Note(model::EntityRef ref, const model::Entity& entity, BootTime now);
  static void Pass(Track& track, const model::Entity& entity, BootTime now);

  std::unordered_map<model::EntityRef, Track> tracks_;
  // Those that changed within the longest window: of all others what is held stands,
  // and nothing of them is looked at.
  std::vector<model::EntityRef> changing_;
  std::uint64_t incarnation_ = 0;
  std::optional<BootTime> passed_;  // the last time all were looked at
};

}  // namespace ballast::serve

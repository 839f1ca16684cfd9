#pragma once

// What a workload's records say about one stretch of time: how much it used and
// whether the kernel refused it more. Counters become amounts here and nowhere
// else in the autoscaler.
//
//   Observer observer;                               // one per workload
//   if (auto seen = observer.Observe(fields, row, at)) estimator.Observe(*seen);
//
// Pure; time is the record's own. Not thread-safe; owned by the loop.

#include <cstdint>
#include <optional>

#include "collector/base/clock.h"
#include "collector/model/field_set.h"

namespace ballast::forecast {

// Absent: this kernel or cgroup does not tell; never zero.
struct Observation {
  BootTime at{};
  double seconds = 0;  // length of the stretch; above zero
  std::optional<double> cpu_used_millicores;
  // Runnable, but somebody else had the CPU; on average over the stretch.
  std::optional<double> cpu_waited_millicores;
  bool cpu_refused = false;                 // its own quota throttled it
  std::optional<double> memory_used_bytes;  // all of it, at its highest
  // Without the page cache that the kernel would give back first: a cache fills
  // whatever it is given, so it is use and no demand.
  std::optional<double> memory_needed_bytes;
  bool memory_refused = false;  // it ran into a memory limit
  // Taken from it and needed again within the stretch: demand that use does not show.
  std::optional<double> memory_refaulted_bytes;
  // Share of the stretch in which some of its tasks stood still for want of memory.
  std::optional<double> memory_stalled_share;
};

class Observer {
 public:
  // `fields` is the workload's state at `at`; `row` what the record itself
  // carried about it (nullptr: nothing), the only place where peaks are of this
  // stretch and not of an older one.
  // Empty: the first reading, a counter that began anew, or too little time to say anything yet.
  std::optional<Observation> Observe(const model::FieldSet& fields, const model::FieldSet* row,
                                     BootTime at);

 private:
  struct Counters {
    std::optional<std::uint64_t> cpu_ns;
    std::optional<std::uint64_t> waited_ns;
    std::optional<std::uint64_t> throttled;
    std::optional<std::uint64_t> memory_hits;
    std::optional<std::uint64_t> refaulted_pages;
    std::optional<std::uint64_t> memory_stalled_ns;
  };
  static Counters Read(const model::FieldSet& fields);

  std::optional<BootTime> last_at_;
  Counters last_;
};

}  // namespace ballast::forecast

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/model/state.h"
#include "collector/serve/history_series.h"
#include "collector/serve/json_writer.h"
#include "collector/serve/sparse_rows.h"
#include "collector/serve/visibility.h"

namespace ballast::serve {

struct HistoryOptions {
  // The last ten minutes of a hundred workloads that work all the time, or of
  // thousands that mostly sleep. With more, what is remembered of each gets shorter, evenly.
  std::size_t max_bytes = 8 << 20;
  std::chrono::seconds keep{600};
};

// The last minutes of every workload and of the host, a point a second, for
// the page's charts. Time is the records' own; absent values stay absent.
//
//   history.Observe(record, state);   // after each record applied
//   history.Write(json, ref, since);
//
// Not thread-safe; belongs to the thread that answers HTTP, never to the tick.
class History {
 public:
  explicit History(HistoryOptions options = {}) : options_(options), keep_(options.keep) {}

  void Observe(const model::Record& record, const model::State& state);

  // The last point's value; nullopt before the first, or where it is absent.
  std::optional<double> Latest(model::EntityRef ref, std::size_t series) const;
  // Points after `since`, as members of an open object:
  //   "times_ms": [..] (wall clock), "series": {"cpu_cores": [.., null, ..], ..},
  //   "heatmaps": {"run_queue_wait": [[time_ms, first_bucket, [counts..]], ..]}
  // Only series and heatmaps that have a value; a second without waits has no column.
  void Write(JsonWriter& json, model::EntityRef ref, BootTime since,
             std::chrono::nanoseconds wall_offset) const;
  // {"ref": 1, "cpu_cores": [..]} for each workload that the scope may see, oldest first.
  void WriteSparks(JsonWriter& json, const model::State& state, std::size_t points,
                   const Scope& scope = {}) const;

  std::size_t bytes() const { return bytes_; }
  std::chrono::seconds kept() const { return keep_; }

 private:
  static constexpr auto kStep = std::chrono::seconds(1);

  using Points = SparseRows<kSeries.size()>;  // not a number: absent
  // Counts are what a second saw, cut at 65,535: colours, not accounts.
  struct Column {
    BootTime at{};
    std::uint8_t heatmap = 0;  // of kHeatmaps
    std::uint8_t first = 0;    // bucket of counts[0]
    std::vector<std::uint16_t> counts;
  };
  using Raw = std::array<std::optional<std::uint64_t>, kSeries.size()>;
  using Waits = std::array<std::optional<model::Histogram>, kHeatmaps.size()>;
  struct Track {
    Raw now, before, peaks;
    Waits waits_now, waits_before;
    BootTime at{};
    bool has_before = false;
    // Whether records told of it since the last sample, and in the second before: what
    // nothing is told of stays as it is, and its rates are zero from the second sample on.
    bool is_told_of = true;
    bool was_told_of = true;
    std::uint32_t first = 0;  // sample with its first point; 0: none yet
    Points points;            // by sample
    std::deque<Column> columns;
  };

  void Note(const model::Record& record, const model::State& state);
  void NoteRow(const model::EntityRow& row, const model::State& state, bool has_peaks);
  void Sample(const model::State& state);
  void Read(Track& track, const model::Entity& entity, bool is_own);
  void Push(Track& track, BootTime now);
  void Trim(BootTime now);
  void TrimOne(Track& track, BootTime oldest, std::uint32_t oldest_sample);
  // Number of the sample after `time`, or of the next one.
  std::uint32_t SampleAfter(BootTime time) const;

  HistoryOptions options_;
  std::chrono::seconds keep_;
  std::unordered_map<model::EntityRef, Track> tracks_;
  std::uint64_t incarnation_ = 0;
  BootTime sampled_{};
  std::deque<BootTime> samples_;     // when the last ones were taken
  std::uint32_t oldest_sample_ = 1;  // number of samples_.front(); 0 is before all
  std::size_t bytes_ = 0;
};

}  // namespace ballast::serve

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/export/history.h"
#include "collector/model/state.h"
#include "collector/serve/rate_window.h"

namespace ballast::cli {

// What `ballast top` lists, without a terminal: rows out of records. Pure but
// for what it remembers of the last minute.

enum class SortBy : std::uint8_t { kCpu, kMemory, kThrottled, kWait, kName };
// "cpu", "memory", "throttled", "wait", "name".
std::string_view NameOf(SortBy sort);
std::optional<SortBy> FindSortBy(std::string_view name);

struct TopRow {
  enum class Kind : std::uint8_t { kHost, kSlice, kWorkload };
  Kind kind = Kind::kWorkload;
  model::EntityRef ref{};  // of a workload
  std::string key;         // what a selection stays on: the path of a slice, else the ref
  int depth = 0;
  std::string name;
  std::string type;  // "container", "vm", "slice"; empty: a sum
  bool is_folded = false;
  // Absent is never zero; a sum is absent where every part of it is.
  // Peaks are of the last ten seconds at least, CPU in windows of 100 ms; the
  // highest of one workload has no sum.
  std::optional<double> cpu_cores, cpu_peak_cores, cpu_limit_cores, throttled_share, wait_p99_ns;
  std::optional<std::uint64_t> memory_bytes, memory_peak_bytes, memory_limit_bytes, oom_kills;
  std::string decision;
};

struct RowsWish {
  SortBy sort = SortBy::kCpu;
  bool is_reversed = false;
  bool is_tree = true;
  std::string filter = {};            // in name or path, whatever the case
  std::set<std::string> folded = {};  // keys of slices
};

// Follows records; not thread-safe.
class TopModel {
 public:
  static constexpr std::size_t kTrendPoints = 60;

  void Apply(const model::Record& record);
  // Once a second: remembers the CPU use for the trend.
  void Beat();

  const model::State& state() const { return state_; }
  std::vector<TopRow> Rows(const RowsWish& wish) const;
  serve::RateWindow::Rates RatesOf(model::EntityRef ref, const model::Entity& entity) const {
    return rates_.Of(ref, entity, state_.header().at);
  }
  // Cores, oldest first, at most a minute.
  const std::vector<double>& TrendOf(model::EntityRef ref) const;

 private:
  TopRow RowOf(model::EntityRef ref, const model::Entity& entity) const;
  TopRow HostRow() const;

  model::State state_;
  serve::RateWindow rates_;
  exposition::History peaks_{{.peak_window = std::chrono::seconds(10), .max_dead = 0}};
  std::unordered_map<model::EntityRef, std::vector<double>> trends_;
};

// Printable ASCII, the rest as '?': names come from workloads, and a terminal obeys
// escape sequences.
std::string Printable(std::string_view text);
// "1.42", "512.0M", "53ms", "12.0%"; "-" where absent.
std::string CoresText(std::optional<double> cores);
std::string BytesText(std::optional<std::uint64_t> bytes);
std::string TimeText(std::optional<double> nanoseconds);
std::string ShareText(std::optional<double> share);
// One block character of eight heights for each value, highest = `top`.
std::string TrendText(const std::vector<double>& values, std::size_t width);

}  // namespace ballast::cli

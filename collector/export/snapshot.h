#pragma once

// The exported values of one moment, in columns: what a page is written from,
// so that neither a slow client nor gzip holds up the state that they came from.

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "collector/export/family.h"
#include "collector/export/format.h"
#include "collector/metrics/own_family.h"

namespace ballast::exposition {

// A cell without a value. A counter would have to count for centuries to get
// there; as a real it is a NaN that no computation gives.
inline constexpr std::uint64_t kAbsent = ~std::uint64_t{0} - 1;

// What a cell's 64 bits are.
enum class Cell : std::uint8_t {
  kWhole,
  kNanoseconds,  // written as seconds
  kReal,         // a double's bits
  kHistogram,    // position in Snapshot::histograms
};
constexpr Cell CellOf(const Series& series) {
  switch (series.show) {
    case Show::kSeconds:
      return Cell::kNanoseconds;
    case Show::kCores:
    case Show::kDerived:
      return Cell::kReal;
    case Show::kPeak:
      return series.peak == Peak::kMemory ? Cell::kWhole : Cell::kReal;
    case Show::kHistogram:
      return Cell::kHistogram;
    case Show::kAsIs:
    case Show::kMicroseconds:
    case Show::kLimit:
    case Show::kTally:
      break;
  }
  return Cell::kWhole;
}

struct Snapshot {
  // One group: a row for each entity, a column for each series of its families.
  struct Table {
    std::deque<std::string> labels;  // in the page's format; stays where it is while rows are added
    std::vector<std::string> info;   // the same, of the info family; workloads only
    std::vector<bool> is_dead;
    std::vector<std::vector<std::uint64_t>> columns;
    std::vector<Exemplar> exemplars;  // tool calls only; span 0: none

    std::size_t rows() const { return labels.size(); }
  };

  Format format{};
  std::array<Table, static_cast<std::size_t>(Group::kNum)> tables;
  std::vector<model::Histogram> histograms;
  std::vector<metrics::OwnFamily> own;  // what the daemon says about itself

  const Table& Of(Group group) const { return tables[static_cast<std::size_t>(group)]; }
  Table& Of(Group group) { return tables[static_cast<std::size_t>(group)]; }
};

}  // namespace ballast::exposition

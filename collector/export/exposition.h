#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/export/history.h"
#include "collector/export/snapshot.h"
#include "collector/model/state.h"

namespace ballast::exposition {

// How many rows of one group a page shows. What is left out is what counted
// least, and is counted itself.
struct RowLimit {
  std::size_t per_workload = 0;
  std::size_t total = 0;
};

struct ExpositionOptions {
  // Bounds the page: about 25 kB for each busy workload. Those born last are left out, and counted.
  std::size_t max_workloads = 20'000;
  // Busiest devices and interfaces, most called programs, those who held the CPU longest.
  RowLimit devices{16, 40'000};
  RowLimit interfaces{16, 40'000};
  RowLimit tools{32, 40'000};
  RowLimit blame{10, 20'000};
  RowLimit vcpus{256, 40'000};
  RowLimit exits{32, 20'000};
  RowLimit losses{1000, 1000};
  History::Options history = {};
};

// Whose workloads a client may see: those whose field has the value.
struct Scope {
  model::Field field{};
  std::string value;

  bool Includes(const model::FieldSet& workload) const { return workload.GetText(field) == value; }
};

// Turns the state into pages for Prometheus.
//
//   exposition.Observe(state, record);  // before state.Apply(record)
//   auto snapshot = exposition.Take(state, Format::kText, std::nullopt);
//   auto page = MakePage(snapshot);     // page.h; may go to another thread
//
// Not thread-safe; owned by the network thread.
class Exposition {
 public:
  // Rows that pages did not show, summed over pages.
  struct LeftOut {
    std::array<std::uint64_t, static_cast<std::size_t>(Group::kNum)> over_limit{};
    // Two series with equal labels would void the page.
    std::array<std::uint64_t, static_cast<std::size_t>(Group::kNum)> same_labels{};
  };

  explicit Exposition(ExpositionOptions options = {})
      : options_(options), history_(options.history) {}

  void Observe(const model::State& before, const model::Record& record) {
    history_.Observe(before, record);
  }
  // Counts as one page for the dead. With a scope: the workloads inside it, what belongs to them,
  // and nothing of the host or of others. Takes 10 ms for 10,000 workloads.
  std::shared_ptr<Snapshot> Take(const model::State& state, Format format,
                                 const std::optional<Scope>& scope = std::nullopt);

  const LeftOut& left_out() const { return left_out_; }

 private:
  class Builder;

  ExpositionOptions options_;
  History history_;
  LeftOut left_out_;
};

}  // namespace ballast::exposition

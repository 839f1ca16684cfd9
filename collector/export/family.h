#pragma once

// The catalogue of what is exported about workloads and the host: one row for
// each family, which HELP, TYPE and the samples come from.

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "collector/metrics/spec.h"
#include "collector/model/state.h"

namespace ballast::exposition {

// What a family has one sample (or more) of.
enum class Group {
  kWorkload,   // workloads, and the host as id="/", as cAdvisor has it
  kHost,       // the host, without labels
  kDevice,     // a workload's block devices
  kInterface,  // a workload's network interfaces
  kLoss,       // loss counters
};

// How a field's number becomes the sample's value, in base units.
enum class Show {
  kAsIs,
  kSeconds,       // from nanoseconds
  kMicroseconds,  // from nanoseconds; cAdvisor's spec families
  kCores,         // from millicores
  kLimit,         // bytes; "no limit" is 0, as cAdvisor has it
  kHistogram,
  kDerived,  // by a function
};

struct Context {
  WallTime now{};                          // of the last record
  std::chrono::nanoseconds wall_offset{};  // WallTime - BootTime
};
// nullopt: no sample.
using Derive = std::optional<double> (*)(const model::FieldSet&, const Context&);

struct Series {
  Show show = Show::kAsIs;
  model::Field field{};
  std::string_view labels;  // beside the group's, as they stand on the page
  Derive derive = nullptr;
};

struct Family {
  metrics::Spec spec;  // labels: those of the group are not repeated
  Group group = Group::kWorkload;
  std::array<Series, 4> series{};
  std::size_t series_count = 1;
  bool has_info_labels = false;  // what the workload is, instead of `labels`
};

std::span<const Family> AllFamilies();

}  // namespace ballast::exposition

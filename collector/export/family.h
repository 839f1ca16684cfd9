#pragma once

// The catalogue of what is exported about workloads and the host: one row for
// each family, which HELP, TYPE, the samples and METRICS.md come from.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "collector/export/history.h"
#include "collector/metrics/spec.h"
#include "collector/model/state.h"

namespace ballast::exposition {

// What a family has one sample (or more) of.
enum class Group : std::uint8_t {
  kWorkload,         // workloads, and the host as id="/", as cAdvisor has it
  kHost,             // the host, without labels
  kDevice,           // a workload's block devices
  kInterface,        // a workload's network interfaces
  kTool,             // a workload's tool calls, by program
  kBlame,            // a workload and who held the CPU that it waited for
  kVcpu,             // a VM's vCPUs
  kExit,             // a VM's exits, by reason
  kDomain,           // VMs under the labels of libvirt exporters
  kDomainVcpu,       // their vCPUs
  kDomainDevice,     // their block devices
  kDomainInterface,  // their network interfaces
  kLoss,             // loss counters
  kNum
};
// "workload", "device", ...: label value of what was left out.
std::string_view NameOf(Group group);

// How a field's number becomes the sample's value, in base units.
enum class Show : std::uint8_t {
  kAsIs,
  kSeconds,       // from nanoseconds
  kMicroseconds,  // from nanoseconds; cAdvisor's spec families
  kCores,         // from millicores
  kLimit,         // bytes; "no limit" is 0, as cAdvisor has it
  kHistogram,
  kPeak,     // highest of the last window, by History
  kTally,    // counted from events, by History
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
  std::string_view labels;  // beside the group's: name="value",... without escapes
  Derive derive = nullptr;
  Peak peak{};
  Tally tally{};
};

struct Family {
  metrics::Spec spec;  // labels: those of the group are not repeated
  Group group = Group::kWorkload;
  std::array<Series, 4> series{};
  std::size_t series_count = 1;
  bool has_info_labels = false;    // what the workload is, instead of `labels`
  bool has_exemplars = false;      // a histogram of tool calls
  std::uint16_t first_column = 0;  // of its series among those of its group

  std::span<const Series> all_series() const { return {series.data(), series_count}; }
};

// Families of a group are not adjacent.
std::span<const Family> AllFamilies();
// Series of all families of a group.
std::size_t ColumnsOf(Group group);

}  // namespace ballast::exposition

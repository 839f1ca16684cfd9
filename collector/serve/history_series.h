#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "collector/model/field.h"

namespace ballast::serve {

// How a point of a series comes from the state of one second and the one before.
enum class Derive : std::uint8_t {
  kGauge,      // the value times scale
  kLimit,      // the same; absent where no limit is set
  kPerSecond,  // the increase per second times scale
  kPeak,       // the highest value of the ticks of the second times scale
  kQuota,      // quota over period, in cores; absent where no limit is set
  kWaitP99,    // of the histogram's increase
};

struct Series {
  std::string_view name;
  Derive derive;
  model::Field field;
  double scale = 1.0;
};

// What is remembered of every workload and of the host, once a second. Counters
// of devices, interfaces, vCPUs and exit reasons count for their parent, summed.
inline constexpr std::array kSeries = {
    Series{"cpu_cores", Derive::kPerSecond, model::Field::kCpuUsageNs, 1e-9},
    Series{"cpu_peak_10ms_cores", Derive::kPeak, model::Field::kCpuPeak10msNs, 1e-7},
    Series{"cpu_peak_cores", Derive::kPeak, model::Field::kCpuPeak100msNs, 1e-8},
    Series{"cpu_peak_1s_cores", Derive::kPeak, model::Field::kCpuPeak1sNs, 1e-9},
    Series{"cpu_limit_cores", Derive::kQuota, model::Field::kCpuQuotaNs},
    Series{"cpu_demand_cores", Derive::kGauge, model::Field::kDemandCpuMillicores, 1e-3},
    Series{"throttled_share", Derive::kPerSecond, model::Field::kCpuThrottledNs, 1e-9},
    Series{"run_queue_wait_p99_ns", Derive::kWaitP99, model::Field::kRunQueueWait},
    Series{"memory_bytes", Derive::kGauge, model::Field::kMemoryUsageBytes},
    Series{"memory_peak_bytes", Derive::kPeak, model::Field::kMemoryTickPeakBytes},
    Series{"memory_anon_bytes", Derive::kGauge, model::Field::kMemoryAnonBytes},
    Series{"memory_file_bytes", Derive::kGauge, model::Field::kMemoryFileBytes},
    Series{"memory_limit_bytes", Derive::kLimit, model::Field::kMemoryMaxBytes},
    Series{"memory_high_bytes", Derive::kLimit, model::Field::kMemoryHighBytes},
    Series{"memory_demand_bytes", Derive::kGauge, model::Field::kDemandMemoryBytes},
    Series{"pressure_cpu_share", Derive::kPerSecond, model::Field::kPressureCpuSomeNs, 1e-9},
    Series{"pressure_memory_share", Derive::kPerSecond, model::Field::kPressureMemorySomeNs, 1e-9},
    Series{"pressure_io_share", Derive::kPerSecond, model::Field::kPressureIoSomeNs, 1e-9},
    Series{"io_read_bytes_per_second", Derive::kPerSecond, model::Field::kIoReadBytes},
    Series{"io_write_bytes_per_second", Derive::kPerSecond, model::Field::kIoWriteBytes},
    Series{"network_receive_bytes_per_second", Derive::kPerSecond,
           model::Field::kNetworkReceiveBytes},
    Series{"network_transmit_bytes_per_second", Derive::kPerSecond,
           model::Field::kNetworkTransmitBytes},
    Series{"preempted_by_self_per_second", Derive::kPerSecond, model::Field::kPreemptedBySelf},
    Series{"preempted_by_other_per_second", Derive::kPerSecond, model::Field::kPreemptedByOther},
    Series{"preempted_by_system_per_second", Derive::kPerSecond, model::Field::kPreemptedBySystem},
    Series{"vcpu_steal_share", Derive::kPerSecond, model::Field::kVcpuStealNs, 1e-9},
    Series{"vcpu_halt_share", Derive::kPerSecond, model::Field::kVcpuHaltNs, 1e-9},
    Series{"vm_exits_per_second", Derive::kPerSecond, model::Field::kVmExits},
};

// Position of a series in kSeries; a name that is none does not compile.
consteval std::size_t SeriesAt(std::string_view name) {
  for (std::size_t i = 0; i < kSeries.size(); ++i)
    if (kSeries[i].name == name) return i;
  throw "no such series";
}

// Latencies over time, drawn as heatmaps: the histogram's increase of each second.
struct HeatmapSource {
  std::string_view name;
  model::Field field, second_field;  // summed, e.g. reads and writes; the same twice for one
};
inline constexpr std::array kHeatmaps = {
    HeatmapSource{"run_queue_wait", model::Field::kRunQueueWait, model::Field::kRunQueueWait},
    HeatmapSource{"io_latency", model::Field::kIoReadLatency, model::Field::kIoWriteLatency},
};

}  // namespace ballast::serve

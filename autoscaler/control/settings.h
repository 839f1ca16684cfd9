#pragma once

// Everything the autoscaler can be told, as a user writes it, and its way into
// the checked options of the parts.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/control/node_options.h"
#include "collector/base/log.h"
#include "collector/config/option_table.h"

namespace ballast::control {

// A [[workload]] table of the configuration file. 0 for a maximum: none.
struct WorkloadSettings {
  std::string prefix;
  std::optional<Mode> mode;  // [[workload]] alone
  std::int64_t min_cpu_millicores = 50;
  std::uint64_t min_memory = std::uint64_t{16} << 20;
  std::int64_t max_cpu_millicores = 0;
  std::uint64_t max_memory = 0;
  double weight = 1;
  bool write_weight = false;
  std::uint64_t max_io_bytes_per_second = 0;
  std::int64_t priority = 0;
};

struct Settings {
  enum class Scope { kNode };
  Scope scope = Scope::kNode;
  Mode mode = Mode::kRecommend;
  std::vector<std::string> auto_prefixes;
  std::string collector_socket = "/run/ballast/records.sock";
  std::string state_dir = "/var/lib/ballast/autoscaler";
  std::string listen;  // empty: no metrics are served
  LogLevel log_level = LogLevel::kInfo;
  std::int64_t lease_ms = 3000;
  std::uint64_t memory_pool = 0;  // 0: what is available
  std::string shared_pool;        // empty: none
  double cpu_burst = 0;
  std::vector<std::string> qmp_sockets;
  std::string libvirt = "qemu:///system";  // empty: VMs that libvirt runs are left alone
  bool tell_systemd = true;
  std::vector<std::string> runtime_sockets;
  allocate::Coupling coupling = allocate::Coupling::kSeparate;
  double cpu_reserve = 0.05;
  double memory_reserve = 0.10;
  WorkloadSettings defaults;
  std::vector<WorkloadSettings> workloads;
  double cpu_half_life_seconds = 2;
  double memory_half_life_seconds = 3;
  bool learn_tools = true;
  double cpu_headroom = 1.0;
  bool cpu_headroom_shared = true;
  double memory_headroom = 0.1;
  guard::DegradeLevel degrade = guard::DegradeLevel::kFrozen;
  double degrade_reserve = 0.05;
  std::int64_t longest_freeze_ms = 10'000;
  std::int64_t shrink_hold_ms = 1000;
  std::int64_t shrink_interval_ms = 500;
  double shrink_step = 0.5;
  double change_price_cpu = 25;                                // millicore-seconds
  std::uint64_t change_price_memory = std::uint64_t{8} << 20;  // byte-seconds
  std::int64_t readings_before_shrink = 10;
  std::int64_t changes_per_minute = 60;
  std::int64_t longest_wait_ms = 10'000;
};

// Adds every setting to the table. `settings` outlives its use.
void Describe(config::OptionTable& table, Settings& settings);

// The error is one sentence for the user.
Result<NodeOptions> ToNodeOptions(const Settings& settings);

}  // namespace ballast::control

#pragma once

// User and system time from what the tick sampled and the exact total: the
// samples' proportion, scaled to the total, and neither ever steps back. The
// same arithmetic as the kernel's cputime_adjust() behind cpu.stat.
// A value; one for each workload.

#include <algorithm>
#include <cstdint>

namespace ballast::source {

class CpuSplit {
 public:
  // Cumulative; `usage_ns` exact, the other two sampled.
  void Update(std::uint64_t usage_ns, std::uint64_t sampled_user_ns,
              std::uint64_t sampled_system_ns) {
    if (usage_ns <= user_ns_ + system_ns_) return;
    const double sampled =
        static_cast<double>(sampled_user_ns) + static_cast<double>(sampled_system_ns);
    const double share = sampled > 0 ? static_cast<double>(sampled_system_ns) / sampled : 0;
    const auto system = static_cast<std::uint64_t>(static_cast<double>(usage_ns) * share);
    // What one of them must not lose, the other does not gain.
    const std::uint64_t most = usage_ns - user_ns_;
    system_ns_ = std::clamp(system, std::min(system_ns_, most), most);
    user_ns_ = usage_ns - system_ns_;
  }

  std::uint64_t user_ns() const { return user_ns_; }
  std::uint64_t system_ns() const { return system_ns_; }

 private:
  std::uint64_t user_ns_ = 0;
  std::uint64_t system_ns_ = 0;
};

}  // namespace ballast::source

#include "autoscaler/simulate/reactive_policy.h"

#include <algorithm>

namespace ballast::simulate {
namespace {

constexpr double kPeriodSeconds = 1.0;
constexpr double kShare = 1.15;
constexpr double kMemoryRoom = 100e6;
constexpr double kCpuRoom = 0.1;
// Before anything was seen: what an agent needs to start, for as long as that takes.
constexpr double kFirstMemory = 512e6;
constexpr double kFirstSeconds = 5.0;

class Reactive final : public Policy {
 public:
  explicit Reactive(const PolicyOptions& options) : generosity_(options.generosity) {}

  Limits FirstLimits(const Host& host, int slot) override {
    if (seen_.size() < host.agents().size()) seen_.resize(host.agents().size());
    const Agent& agent = host.agents()[static_cast<std::size_t>(slot)];
    seen_[static_cast<std::size_t>(slot)] = {.born_at = host.now()};
    return {.memory_max = std::max(kFirstMemory, LimitOf(agent.used_bytes))};
  }

  void Act(Host& host) override {
    const auto& agents = host.agents();
    for (std::size_t i = 0; i < agents.size(); ++i) {
      seen_[i].memory = std::max(seen_[i].memory, agents[i].used_bytes);
      seen_[i].cores = std::max(seen_[i].cores, agents[i].cpu_cores);
    }
    if (host.now() < next_) return;
    next_ = host.now() + kPeriodSeconds - 1e-9;
    for (std::size_t i = 0; i < agents.size(); ++i) {
      if (host.now() < seen_[i].born_at + kFirstSeconds) continue;
      host.SetLimits(static_cast<int>(i),
                     {.cpu_cores = seen_[i].cores * kShare + kCpuRoom,
                      .memory_max = LimitOf(std::max(seen_[i].memory, agents[i].used_bytes))});
      seen_[i] = {.born_at = seen_[i].born_at};
    }
  }

 private:
  struct Seen {
    double born_at = 0;
    double memory = 0;
    double cores = 0;
  };
  double LimitOf(double used) const {
    return used + (used * (kShare - 1) + kMemoryRoom) * generosity_;
  }

  double generosity_;
  double next_ = 0;
  std::vector<Seen> seen_;
};

}  // namespace

std::unique_ptr<Policy> MakeReactive(const PolicyOptions& options) {
  return std::make_unique<Reactive>(options);
}

}  // namespace ballast::simulate

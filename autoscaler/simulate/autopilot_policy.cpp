#include "autoscaler/simulate/autopilot_policy.h"

#include <algorithm>
#include <deque>

#include "autoscaler/forecast/regret_ensemble.h"
#include "autoscaler/simulate/prior.h"

namespace ballast::simulate {
namespace {

constexpr double kWindowSeconds = 300;
constexpr std::size_t kHourWindows = 12;
constexpr double kOomRaise = 1.10;
// Tasks of the past per window of the past.
constexpr std::size_t kHistoryPerWindow = 16;

forecast::EnsembleOptions CpuEnsemble() {
  forecast::EnsembleOptions options;
  options.first_bucket = 0.01;  // cores
  options.ratio = 1.05;
  options.over_cost = 20;  // throttling is no kill
  return options;
}

// A recommender and what it said in the last hour.
class Recommended {
 public:
  explicit Recommended(const forecast::EnsembleOptions& options) : ensemble_(options) {}

  void Observe(const std::vector<double>& samples) {
    ensemble_.Observe(samples);
    last_hour_.push_back(ensemble_.Limit());
    if (last_hour_.size() > kHourWindows) last_hour_.pop_front();
  }
  void Raise(double limit) {
    if (!last_hour_.empty()) last_hour_.back() = std::max(last_hour_.back(), limit);
  }
  double Limit() const { return *std::ranges::max_element(last_hour_); }

 private:
  forecast::RegretEnsemble ensemble_;
  std::deque<double> last_hour_;
};

class Autopilot final : public Policy {
 public:
  explicit Autopilot(const PolicyOptions& options)
      : generosity_(options.generosity),
        memory_(forecast::EnsembleOptions{}),
        cpu_(CpuEnsemble()),
        memory_peaks_(static_cast<std::size_t>(options.host.agents)),
        cpu_peaks_(static_cast<std::size_t>(options.host.agents)) {
    Learn(MemoryPeaks(*options.history), memory_);
    Learn(CpuPeaks(*options.history), cpu_);
  }

  Limits FirstLimits(const Host& host, int slot) override {
    const double used = host.agents()[static_cast<std::size_t>(slot)].used_bytes;
    Limits limits = Now();
    limits.memory_max = std::max(limits.memory_max, used * 1.01);
    return limits;
  }

  void Act(Host& host) override {
    for (const EndedTask& ended : host.ended())
      if (ended.killed) memory_.Raise(ended.used_bytes * kOomRaise / generosity_);
    for (std::size_t i = 0; i < host.agents().size(); ++i) {
      memory_peaks_[i] = std::max(memory_peaks_[i], host.agents()[i].used_bytes);
      cpu_peaks_[i] = std::max(cpu_peaks_[i], host.agents()[i].cpu_cores);
    }
    if (host.now() < next_) return;
    next_ = host.now() + kWindowSeconds - 1e-9;
    memory_.Observe(memory_peaks_);
    cpu_.Observe(cpu_peaks_);
    std::ranges::fill(memory_peaks_, 0);
    std::ranges::fill(cpu_peaks_, 0);
    for (std::size_t i = 0; i < host.agents().size(); ++i) {
      Limits limits = Now();
      limits.memory_max = std::max(limits.memory_max, host.agents()[i].used_bytes);
      if (limits != host.agents()[i].limits) host.SetLimits(static_cast<int>(i), limits);
    }
  }

 private:
  static void Learn(const std::vector<double>& peaks, Recommended& into) {
    for (std::size_t i = 0; i < peaks.size(); i += kHistoryPerWindow)
      into.Observe({peaks.begin() + static_cast<std::ptrdiff_t>(i),
                    peaks.begin() + static_cast<std::ptrdiff_t>(
                                        std::min(peaks.size(), i + kHistoryPerWindow))});
  }
  Limits Now() const {
    return {.cpu_cores = cpu_.Limit(), .memory_max = memory_.Limit() * generosity_};
  }

  double generosity_;
  Recommended memory_;
  Recommended cpu_;
  double next_ = kWindowSeconds;
  std::vector<double> memory_peaks_;  // of each slot in this window
  std::vector<double> cpu_peaks_;
};

}  // namespace

std::unique_ptr<Policy> MakeAutopilot(const PolicyOptions& options) {
  return std::make_unique<Autopilot>(options);
}

}  // namespace ballast::simulate

#include "autoscaler/simulate/vpa_policy.h"

#include <algorithm>
#include <cmath>

#include "autoscaler/forecast/decaying_histogram.h"
#include "autoscaler/simulate/prior.h"

namespace ballast::simulate {
namespace {

constexpr double kPeriodSeconds = 60;
constexpr std::chrono::hours kHalfLife{24};
constexpr double kMargin = 1.15;
constexpr double kTarget = 0.90;
constexpr double kLower = 0.50;
constexpr double kUpper = 0.95;
constexpr double kLeastMemory = 250e6;
constexpr double kLeastMillicores = 25;
constexpr double kOomBump = 100e6;
constexpr double kOomShare = 1.2;
constexpr double kSamplesPerDay = 24 * 60;
constexpr double kDaySeconds = 86400;

BootTime At(double seconds) {
  // A day before the simulation the history was learned.
  return std::chrono::duration_cast<BootTime>(std::chrono::duration<double>(seconds + kDaySeconds));
}

struct Recommendation {
  double target = 0;
  double lower = 0;
  double upper = 0;
};

class Vpa final : public Policy {
 public:
  explicit Vpa(const PolicyOptions& options)
      : generosity_(options.generosity),
        memory_(forecast::MemoryBuckets(), kHalfLife),
        cpu_(forecast::CpuBuckets(), kHalfLife),
        peaks_(static_cast<std::size_t>(options.host.agents)) {
    for (const double peak : MemoryPeaks(*options.history)) memory_.Add(peak, 1, At(0));
    for (const Trace& trace : *options.history)
      for (double at = 0; at < trace.seconds(); at += kPeriodSeconds)
        AddCpu(trace
                   .samples[static_cast<std::size_t>(at / trace.seconds() *
                                                     static_cast<double>(trace.samples.size()))]
                   .cpu_cores,
               0);
    Recommend(0);
  }

  Limits FirstLimits(const Host& host, int slot) override {
    peaks_[static_cast<std::size_t>(slot)] = {};
    const double used = host.agents()[static_cast<std::size_t>(slot)].used_bytes;
    return {.cpu_cores = cpu_now_.target, .memory_max = std::max(memory_now_.target, used * 1.01)};
  }

  void Act(Host& host) override {
    for (const EndedTask& ended : host.ended())
      if (ended.killed)
        memory_.Add(std::max(ended.used_bytes + kOomBump, ended.used_bytes * kOomShare), 1,
                    At(host.now()));
    if (host.now() < next_) return;
    next_ = host.now() + kPeriodSeconds - 1e-9;
    Sample(host);
    Recommend(host.now());
    Update(host);
  }

 private:
  struct Peak {
    double bytes = 0;
    double at = 0;
  };

  void AddCpu(double cores, double at) {
    cpu_.Add(cores * 1000, std::max(cpu_now_.target, 0.1), At(at));
    ++cpu_samples_;
  }

  // A container has one peak per aggregation interval: the old one is taken back.
  void Sample(const Host& host) {
    for (std::size_t i = 0; i < host.agents().size(); ++i) {
      const Agent& agent = host.agents()[i];
      AddCpu(agent.cpu_cores, host.now());
      Peak& peak = peaks_[i];
      if (agent.used_bytes <= peak.bytes) continue;
      if (peak.bytes > 0) memory_.Subtract(peak.bytes, 1, At(peak.at));
      peak = {agent.used_bytes, host.now()};
      memory_.Add(peak.bytes, 1, At(peak.at));
    }
  }

  void Recommend(double now) {
    const double days = std::max(1.0, now / kDaySeconds + 1);
    const double confidence = std::min(days, cpu_samples_ / kSamplesPerDay);
    const auto bounds = [&](const forecast::DecayingHistogram& histogram, double scale,
                            double least) {
      const auto at = [&](double share) {
        return std::max(least, histogram.Quantile(share) * scale * kMargin);
      };
      return Recommendation{at(kTarget), at(kLower) * std::pow(1 + 0.001 / confidence, -2),
                            at(kUpper) * (1 + 1 / confidence)};
    };
    memory_now_ = bounds(memory_, generosity_, kLeastMemory * generosity_);
    cpu_now_ = bounds(cpu_, 1e-3, kLeastMillicores * 1e-3);
  }

  void Update(Host& host) {
    for (std::size_t i = 0; i < host.agents().size(); ++i) {
      const Limits& now = host.agents()[i].limits;
      const bool fits = Within(now.memory_max, memory_now_) && Within(now.cpu_cores, cpu_now_);
      if (fits) continue;
      host.SetLimits(static_cast<int>(i),
                     {.cpu_cores = cpu_now_.target,
                      .memory_max = std::max(memory_now_.target, host.agents()[i].used_bytes)});
    }
  }
  static bool Within(double limit, const Recommendation& range) {
    return limit >= range.lower && limit <= range.upper;
  }

  double generosity_;
  double next_ = kPeriodSeconds;
  double cpu_samples_ = 0;
  forecast::DecayingHistogram memory_;
  forecast::DecayingHistogram cpu_;
  std::vector<Peak> peaks_;
  Recommendation memory_now_;
  Recommendation cpu_now_{.target = 0.1};
};

}  // namespace

std::unique_ptr<Policy> MakeVpa(const PolicyOptions& options) {
  return std::make_unique<Vpa>(options);
}

}  // namespace ballast::simulate

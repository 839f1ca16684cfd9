#include "autoscaler/simulate/fixed_policies.h"

#include <algorithm>

#include "autoscaler/simulate/prior.h"

namespace ballast::simulate {
namespace {

// What a careful user goes by: the 99th of a hundred tasks, and a margin.
constexpr double kPeakShare = 0.99;
constexpr double kMargin = 1.15;
constexpr double kRequestShare = 0.95;

class StaticPeak : public Policy {
 public:
  explicit StaticPeak(const PolicyOptions& options)
      : limits_{.cpu_cores = Quantile(CpuPeaks(*options.history), kPeakShare) * kMargin,
                .memory_max = Quantile(MemoryPeaks(*options.history), kPeakShare) * kMargin *
                              options.generosity} {}
  Limits FirstLimits(const Host&, int) override { return limits_; }
  void Act(Host&) override {}

 private:
  Limits limits_;
};

// The node is as large as its requests; the host's own option is that size.
class StaticRequest final : public Policy {
 public:
  explicit StaticRequest(const PolicyOptions& options)
      : limits_{.cpu_cores = Quantile(CpuPeaks(*options.history), kPeakShare) * kMargin,
                .memory_max = Quantile(MemoryPeaks(*options.history), kPeakShare) * kMargin},
        reserved_(Quantile(MemorySamples(*options.history), kRequestShare) * options.generosity *
                  options.host.agents) {}
  Limits FirstLimits(const Host&, int) override { return limits_; }
  void Act(Host& host) override { host.KillAbove(reserved_); }
  double Reserved(const Host&) const override { return reserved_; }

 private:
  Limits limits_;
  double reserved_;
};

class OraclePeak final : public Policy {
 public:
  explicit OraclePeak(double generosity) : generosity_(generosity) {}
  Limits FirstLimits(const Host& host, int slot) override {
    const Agent& agent = host.agents()[static_cast<std::size_t>(slot)];
    // A byte of room: the sum of interpolated steps may round up.
    return {.memory_max = PeakMemory(*agent.trace) * generosity_ + 1};
  }
  void Act(Host&) override {}

 private:
  double generosity_;
};

class OraclePool final : public Policy {
 public:
  explicit OraclePool(double reserved) : reserved_(reserved) {}
  Limits FirstLimits(const Host&, int) override { return {}; }
  void Act(Host& host) override {
    if (host.pool_high() != reserved_) host.SetPool(reserved_);
  }
  double Reserved(const Host&) const override { return reserved_; }

 private:
  double reserved_;
};

// The same run without limits: what it will need at most.
double HighestSum(const PolicyOptions& options, const std::vector<Trace>& traces) {
  Host host(options.host, traces);
  double highest = host.used_bytes();
  while (host.now() < options.hours * 3600) {
    host.Step();
    highest = std::max(highest, host.used_bytes());
  }
  return highest;
}

}  // namespace

double Policy::Reserved(const Host& host) const {
  double sum = 0;
  for (const Agent& agent : host.agents()) sum += agent.limits.memory();
  return sum;
}

std::unique_ptr<Policy> MakeStaticPeak(const PolicyOptions& options) {
  return std::make_unique<StaticPeak>(options);
}

std::unique_ptr<Policy> MakeStaticRequest(const PolicyOptions& options) {
  return std::make_unique<StaticRequest>(options);
}

std::unique_ptr<Policy> MakeOraclePeak(const PolicyOptions& options) {
  return std::make_unique<OraclePeak>(options.generosity);
}

std::unique_ptr<Policy> MakeOraclePool(const PolicyOptions& options,
                                       const std::vector<Trace>& traces) {
  return std::make_unique<OraclePool>(HighestSum(options, traces) * options.generosity + 1);
}

}  // namespace ballast::simulate

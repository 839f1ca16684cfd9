#include "autoscaler/simulate/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "autoscaler/simulate/random.h"

namespace ballast::simulate {
namespace {

// A kind of tool call: how often, how long, how much memory at its peak (a Pareto tail,
// cut where no such tool was seen).
struct Kind {
  const char* program;
  double share;
  double seconds;
  double cores;
  double least_bytes;
  double tail;  // the larger, the rarer large bursts are
};
constexpr std::array kKinds = {Kind{"git diff", 0.30, 0.3, 0.3, 2e6, 2.0},
                               Kind{"grep", 0.25, 0.2, 0.5, 1e6, 2.0},
                               Kind{"python", 0.20, 3.0, 0.9, 30e6, 1.6},
                               Kind{"pytest", 0.15, 8.0, 1.2, 60e6, 1.3},
                               Kind{"pip install", 0.05, 6.0, 0.9, 80e6, 1.6},
                               Kind{"npm install", 0.03, 9.0, 1.5, 250e6, 1.8},
                               Kind{"cargo build", 0.02, 15.0, 1.8, 300e6, 1.5}};
constexpr double kMostBurst = 4e9;

// Numbers of one trace, in the order they are asked for.
class Stream {
 public:
  Stream(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}
  double Unit() { return DrawUnit(seed_, stream_, next_++); }
  double Exponential(double mean) { return -mean * std::log1p(-Unit()); }
  double Pareto(double least, double tail) { return least * std::pow(1 - Unit(), -1 / tail); }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t next_ = 0;
};

const Kind& PickKind(Stream& stream) {
  double at = stream.Unit();
  for (const Kind& kind : kKinds) {
    if (at < kind.share) return kind;
    at -= kind.share;
  }
  return kKinds.front();
}

// Memory and CPU of one call are added second by second: half of its time it rises,
// stands at its peak for a second or two, and is gone.
void AddCall(Trace& trace, const Kind& kind, double begin, double seconds, double bytes) {
  trace.tools.push_back({begin, begin + seconds, kind.program});
  const double plateau = std::min(seconds, 2.0);
  const double rise = (seconds - plateau) / 2;
  for (Sample& sample : trace.samples) {
    const double at = sample.at_seconds - begin;
    if (at < 0 || at > seconds) continue;
    const double base = 0.3 * bytes;
    const bool high = at >= rise && at <= rise + plateau;
    sample.memory_bytes += high ? bytes : base;
    sample.cpu_cores += kind.cores;
  }
}

Trace MakeOne(const SyntheticOptions& options, int number) {
  Stream stream(options.seed, static_cast<std::uint64_t>(number));
  Trace trace;
  trace.name = "synthetic-" + std::to_string(number);
  const double seconds = std::clamp(stream.Pareto(120, 1.3), 40.0, 2400.0);
  const double rest = 150e6 + 80e6 * stream.Unit();
  for (int at = 0; at <= static_cast<int>(seconds); ++at) {
    const double started = std::min(1.0, (at + 0.1) / 3.0);
    trace.samples.push_back(
        {static_cast<double>(at), 0.04 + 0.02 * stream.Unit(), rest * started * (1 + 0.0001 * at)});
  }
  for (double at = 4 + stream.Exponential(10); at < seconds - 1; at += 2 + stream.Exponential(18)) {
    const Kind& kind = PickKind(stream);
    const double length = std::min(0.2 + stream.Exponential(kind.seconds), seconds - at);
    const double bytes =
        std::min(kMostBurst, stream.Pareto(kind.least_bytes, kind.tail)) * options.burst_scale;
    AddCall(trace, kind, at, length, bytes);
    at += length;
  }
  return trace;
}

}  // namespace

std::vector<Trace> MakeSynthetic(const SyntheticOptions& options) {
  std::vector<Trace> traces;
  traces.reserve(static_cast<std::size_t>(options.count));
  for (int number = 0; number < options.count; ++number) traces.push_back(MakeOne(options, number));
  return traces;
}

}  // namespace ballast::simulate

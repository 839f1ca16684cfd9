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
struct Call {
  double begin;
  double seconds;
  double bytes;
  double cores;
};
void AddCall(Trace& trace, const Kind& kind, const Call& call) {
  trace.tools.push_back({call.begin, call.begin + call.seconds, kind.program});
  const double plateau = std::min(call.seconds, 2.0);
  const double rise = (call.seconds - plateau) / 2;
  for (Sample& sample : trace.samples) {
    const double at = sample.at_seconds - call.begin;
    if (at < 0 || at > call.seconds) continue;
    const bool high = at >= rise && at <= rise + plateau;
    sample.memory_bytes += high ? call.bytes : 0.3 * call.bytes;
    sample.cpu_cores += call.cores;
  }
}

// The rest of the agent itself, before any call.
Sample RestAt(const SyntheticOptions& options, Stream& stream, double rest, double at) {
  const double started = std::min(1.0, (at + 0.1) / 3.0);
  double bytes = rest * started * (1 + 0.0001 * at) + options.leak_per_second * at;
  if (options.square_seconds > 0 && std::fmod(at / options.square_seconds, 2.0) >= 1)
    bytes += options.square_bytes;
  return {at, 0.04 + 0.02 * stream.Unit(), bytes};
}

Trace MakeOne(const SyntheticOptions& options, int number) {
  Stream stream(options.seed, static_cast<std::uint64_t>(number));
  Trace trace;
  trace.name = "synthetic-" + std::to_string(number);
  const double seconds =
      std::max(4.0, std::clamp(stream.Pareto(120, 1.3), 40.0, 2400.0) * options.length_scale);
  const double rest = (150e6 + 80e6 * stream.Unit()) * options.rest_scale;
  const auto count = static_cast<int>(seconds / options.sample_seconds);
  for (int i = 0; i <= std::max(1, count); ++i) {
    const double late = options.regular ? 0 : 0.5 * stream.Unit();
    trace.samples.push_back(RestAt(options, stream, rest, (i + late) * options.sample_seconds));
  }
  for (double at = 4 + stream.Exponential(10) * options.pause_scale; at < seconds - 1;
       at += 2 + stream.Exponential(18) * options.pause_scale) {
    const Kind& kind = PickKind(stream);
    const double length = std::min(0.2 + stream.Exponential(kind.seconds), seconds - at);
    const double bytes =
        std::min(kMostBurst, stream.Pareto(kind.least_bytes, kind.tail * options.tail_scale)) *
        options.burst_scale;
    AddCall(trace, kind, {at, length, bytes, kind.cores * options.cores_scale});
    at += length;
  }
  if (!options.tools_logged) trace.tools.clear();
  return trace;
}

}  // namespace

std::vector<Trace> MakeSynthetic(const SyntheticOptions& options) {
  std::vector<Trace> traces;
  traces.reserve(static_cast<std::size_t>(options.count));
  for (int number = 0; number < options.count; ++number) traces.push_back(MakeOne(options, number));
  return traces;
}

const std::vector<SyntheticFamily>& SyntheticFamilies() {
  static const std::vector<SyntheticFamily> families = {
      {"plain", "as published", {.count = 100}},
      {"bursty", "bursts three times as large", {.count = 100, .burst_scale = 3}},
      {"heavy-tail", "rare bursts of gigabytes", {.count = 100, .tail_scale = 0.6}},
      {"busy", "tool calls without pause", {.count = 100, .pause_scale = 0.1}},
      {"idle", "hardly a tool call", {.count = 100, .pause_scale = 20}},
      {"short", "tasks of seconds", {.count = 100, .length_scale = 0.05, .pause_scale = 0.3}},
      {"long", "tasks of hours", {.count = 100, .length_scale = 8}},
      {"small", "a tenth of the memory", {.count = 100, .burst_scale = 0.1, .rest_scale = 0.1}},
      {"large", "ten times the memory", {.count = 100, .burst_scale = 10, .rest_scale = 10}},
      {"no-tools", "tool calls not logged", {.count = 100, .tools_logged = false}},
      {"cpu-heavy", "tool calls on eight times the cores", {.count = 100, .cores_scale = 8}},
      {"coarse", "a sample every ten seconds", {.count = 100, .sample_seconds = 10}},
      {"fine", "five samples a second", {.count = 100, .sample_seconds = 0.2}},
      {"irregular", "samples at no fixed time", {.count = 100, .regular = false}},
      {"leak", "2 MB more every second", {.count = 100, .leak_per_second = 2e6}},
      {"square",
       "1 GB up and down every five seconds",
       {.count = 100, .square_seconds = 5, .square_bytes = 1e9}},
      {"one", "every task the same", {.count = 1}},
      {"few", "five tasks, again and again", {.count = 5}},
  };
  return families;
}

std::optional<SyntheticOptions> FindSyntheticFamily(std::string_view name) {
  for (const SyntheticFamily& family : SyntheticFamilies())
    if (family.name == name) return family.options;
  return std::nullopt;
}

}  // namespace ballast::simulate

#pragma once

// What a tool call will need, known from its exec: a `pytest` or `npm install`
// that starts predicts its burst. Learned per program over all workloads of the
// host, so the first call of a new agent is predicted by those of the others. One
// object per resource: bytes of memory, or millicores.
//
//   growth of a call = highest use of its workload while it runs - use at exec
//
// A call is expected to grow only while calls like it grew: what it still has
// before it is told by those that lived to its age. Ages are cut into stretches
// that double; of stretch k every program keeps, decayed over its calls,
//
//   N_k  calls that were alive when it began       G_k  what calls grew by in it
//   T_k  growth of those N_k, over all their life  Q_k  the squares of that
//
// A call of age a, in stretch k, that has grown by c so far, grows within the horizon h by
//
//   m = T_k / N_k,  v = Q_k / N_k - m^2           of calls that lived so long
//   e = (G of the part of the stretches that lies in [a, a + h]) / N_k
//   mean = min(e, max(0, m - c))                  (1)
//   p = mean / m,  variance = p v + p (1 - p) m^2 (2)  it comes with probability p, or it has come
//
// So what a shell or a server keeps expecting is what such calls have gained at its age within so
// short a time, which goes to 0; past what anybody lived to see it is 0. Programs
// are drawn towards all programs together while their calls are few. A sum over independent
// calls adds means and variances. Calls that overlap in one workload each see the growth of both;
// that errs upward.
//
// O(open calls) per workload and tick. Bounded: programs and open calls have a
// most; beyond, the least known and the oldest go. Pure; time is the records' own.
// Not thread-safe; owned by the loop.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/clock.h"
#include "collector/model/entity.h"

namespace ballast::forecast {

struct Growth {
  double mean = 0;
  double variance = 0;
};

struct ToolDemandOptions {
  // A program's old calls count half after so many new ones.
  double half_life_calls = 50;
  // All programs together count like so many calls of each.
  double prior_calls = 2;
  // Growth that comes later is no concern of now. Longer: more slack while calls run.
  double horizon_seconds = 10;
  std::size_t most_programs = 512;
  std::size_t most_open_calls = 64;  // of one workload
};

class ToolDemand {
 public:
  explicit ToolDemand(ToolDemandOptions options = {}) : options_(options) {}

  // `span` names the call until its end, on this host. Of a call that runs already
  // (one program became another) only the name is new.
  void Begin(const model::WorkloadKey& key, std::uint64_t span, std::string_view program,
             double used, BootTime at);
  // The highest use since the last call of this for the workload.
  void Observe(const model::WorkloadKey& key, double used, BootTime at);
  // Learns from it. A span that is not known is ignored.
  void End(const model::WorkloadKey& key, std::uint64_t span, BootTime at);
  // The workload is gone; what its calls had grown by when last seen is learned.
  void Forget(const model::WorkloadKey& key);

  // What is still to come from the calls that run in the workload.
  Growth Expected(const model::WorkloadKey& key, BootTime at) const;
  // ... in all workloads.
  Growth ExpectedSum(BootTime at) const;

  std::size_t programs() const { return programs_.size(); }

 private:
  // The first stretch of ages ends after kFirstStretch, the last never: 0.1 s to 0.9 h.
  static constexpr std::size_t kStretches = 16;
  template <typename Number>
  using ByStretch = std::array<Number, kStretches>;

  struct Known {
    double calls = 0;
    ByStretch<double> alive{};
    ByStretch<double> grown{};
    ByStretch<double> total{};
    ByStretch<double> squares{};
  };
  struct Call {
    std::uint64_t span = 0;
    std::string program;
    double at_begin = 0;
    double highest = 0;
    BootTime began_at{};
    BootTime seen_at{};
    ByStretch<float> grown{};
  };

  static double StretchBegin(std::size_t stretch);  // seconds
  static std::size_t StretchOf(double age_seconds);
  static void Add(Known& known, const Call& call, double half_life_calls);
  // What is expected in stretches of all programs and of this one, per call that is alive.
  Growth GrowthOf(const Call& call, BootTime at) const;
  void Learn(const Call& call);

  ToolDemandOptions options_;
  Known all_;
  std::map<std::string, Known, std::less<>> programs_;
  std::map<model::WorkloadKey, std::vector<Call>> open_;
};

}  // namespace ballast::forecast

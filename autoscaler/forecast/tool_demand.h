#pragma once

// What a tool call will need, known from its exec: a `pytest` or `npm install`
// that starts predicts its burst. Learned per program over all workloads of the
// host, so the first call of a new agent is predicted by those of the others. One
// object per resource: bytes of memory, or millicores.
//
//   growth of a call = highest use of its workload while it runs - use at exec
//
// Per program a decayed mean and variance, drawn towards those of all programs
// while calls are few. Of a running call the part that has come already is taken
// off. A sum over independent calls adds means and variances.
// Calls that overlap in one workload each see the growth of both; that errs upward.
//
// O(open calls) per workload and tick. Bounded: programs and open calls have a
// most; beyond, the least known and the oldest go. Pure.
// Not thread-safe; owned by the loop.

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
  std::size_t most_programs = 512;
  std::size_t most_open_calls = 64;  // of one workload
};

class ToolDemand {
 public:
  explicit ToolDemand(ToolDemandOptions options = {}) : options_(options) {}

  // `span` names the call until its end, on this host. Of a call that runs already
  // (one program became another) only the name is new.
  void Begin(const model::WorkloadKey& key, std::uint64_t span, std::string_view program,
             double used);
  // The highest use since the last call of this for the workload.
  void Observe(const model::WorkloadKey& key, double used);
  // Learns from it. A span that is not known is ignored.
  void End(const model::WorkloadKey& key, std::uint64_t span);
  // The workload is gone; what its calls had grown by then is learned.
  void Forget(const model::WorkloadKey& key);

  // What is still to come from the calls that run in the workload.
  Growth Expected(const model::WorkloadKey& key) const;
  // ... in all workloads.
  Growth ExpectedSum() const;

  std::size_t programs() const { return programs_.size(); }

 private:
  struct Known {
    double calls = 0;
    double sum = 0;
    double squares = 0;

    void Learn(double growth, double half_life_calls);
  };
  struct Call {
    std::uint64_t span = 0;
    std::string program;
    double at_begin = 0;
    double highest = 0;
  };

  Growth GrowthOf(const Call& call) const;
  void Learn(const Call& call);

  ToolDemandOptions options_;
  Known all_;
  std::map<std::string, Known, std::less<>> programs_;
  std::map<model::WorkloadKey, std::vector<Call>> open_;
};

}  // namespace ballast::forecast

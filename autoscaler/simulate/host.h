#pragma once

// One host in steps of 100 ms: agents that replay traces, and a kernel that
// makes them feel their limits.
//
//   CPU          what a trace used and the limit (or a full host) does not grant is
//                done later: the agent's clock runs slower, the task gets longer.
//   memory.high  growth above it is slowed as the kernel slows it (below); the
//                agent's clock waits meanwhile. The pool's high is the same for the
//                sum of all agents, whoever allocates.
//   memory.max   growth above it is an OOM kill of this agent.
//   memory       of the host: when it is used up, the largest agent is killed.
//
// The kernel's delay at memory.high (mm/memcontrol.c, calculate_high_delay()):
// overage f = use/high - 1 costs 64 f^2 seconds per batch of 64 pages, at most 2 s.
// Below 10 ms it does not sleep at all; that grace (f < 1.25 %) is left out: here
// the delay is never below 10 ms, which is harder on whoever relies on memory.high.
//
// A killed or finished task is followed at once by the next one of its slot, as
// if agents re-arrived at once; the first one of each slot starts at a random
// phase of its trace. Which trace that is depends on seed, slot and number alone.
//
// Left out: reclaim (traces do not tell cache from the rest) and swap, so memory
// above a limit never becomes cheaper than waiting.
// Not thread-safe; deterministic.

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "autoscaler/simulate/trace.h"

namespace ballast::simulate {

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct HostOptions {
  int agents = 64;
  double cpu_cores = 32;
  double memory_bytes = kNoLimit;
  double step_seconds = 0.1;
  // What a sample asked for stands so long after it was sampled; what a refusal
  // asked for stands from the next step on (on average half a step after it).
  int actuation_steps = 1;
  // What the pool does not reserve is lent to others (batch work, page cache), and getting
  // it back takes so long: a pool that must grow grows late, and whoever needed it waits.
  double lend_seconds = 1.0;
  // Memory that rises between two samples rises within the last so many seconds; 0:
  // evenly over all of the time between them.
  double rise_seconds = 0;
  std::uint64_t seed = 1;
};

struct Limits {
  double cpu_cores = kNoLimit;
  double memory_high = kNoLimit;
  double memory_max = kNoLimit;

  double memory() const { return memory_high < memory_max ? memory_high : memory_max; }
  friend bool operator==(const Limits&, const Limits&) = default;
};

// The task that runs in a slot now. Counters are of the task and only rise.
struct Agent {
  const Trace* trace = nullptr;
  std::uint64_t task = 0;  // from 1 on this host; never reused
  double position = 0;     // of the trace's time
  double began_at = 0;     // position
  double used_bytes = 0;
  double cpu_seconds = 0;
  double throttled_seconds = 0;       // lost to its own limit
  double memory_waited = 0;           // seconds
  std::uint64_t cpu_refusals = 0;     // steps
  std::uint64_t memory_refusals = 0;  // steps
  std::size_t next_tool = 0;
  Limits limits;
  // Of the last step.
  double cpu_cores = 0;
  bool cpu_refused = false;
  bool memory_refused = false;  // by its own limit; the pool's is Host::pool_refused()
};

struct ToolEvent {
  std::uint64_t task = 0;
  std::uint64_t span = 0;  // of this host
  bool began = false;      // else: ended
  const std::string* program = nullptr;
  double at_seconds = 0;
};

// A task that ended in the last step.
struct EndedTask {
  int slot = 0;
  std::uint64_t task = 0;
  bool killed = false;
  double used_bytes = 0;  // at its end; with killed: and it wanted more
  double wanted_bytes = 0;
};

class Host {
 public:
  // The traces outlive the host. Requires: there is at least one.
  Host(const HostOptions& options, const std::vector<Trace>& traces);

  void Step();

  // For a limit that is new to the agent; `urgent`: the answer to a refusal.
  void SetLimits(int slot, const Limits& limits, bool urgent = false);
  // At birth: in force before the first instruction.
  void SetFirstLimits(int slot, const Limits& limits);
  // Lower at once, higher after `lend_seconds`.
  void SetPool(double high_bytes);
  // While the sum is above: the largest is killed, as a full node does.
  void KillAbove(double bytes);

  double now() const { return static_cast<double>(steps_) * options_.step_seconds; }
  const HostOptions& options() const { return options_; }
  const std::vector<Agent>& agents() const { return agents_; }
  double used_bytes() const { return used_; }
  double pool_high() const { return pool_high_; }
  // What it was last set to, got or not: reserved is the larger of both.
  double pool_asked() const { return pool_asked_; }
  // Somebody waited at the pool's memory.high in the last step.
  bool pool_refused() const { return pool_refused_; }
  // Of the last step.
  const std::vector<int>& born() const { return born_; }
  const std::vector<EndedTask>& ended() const { return ended_; }
  const std::vector<ToolEvent>& tools() const { return tools_; }

  // Totals, for the measures.
  struct Totals {
    std::uint64_t tasks = 0;
    std::uint64_t tasks_violated = 0;
    std::uint64_t oom_kills = 0;
    std::uint64_t finished = 0;
    std::uint64_t resizes = 0;
    double throttled_seconds = 0;
    double memory_waited_seconds = 0;
    double finished_seconds = 0;        // how long finished tasks took
    double finished_trace_seconds = 0;  // how long their traces are
  };
  // With the tasks that still run.
  Totals totals() const;

 private:
  struct Pending {
    std::uint64_t due = 0;
    int slot = 0;  // -1: the pool
    std::uint64_t task = 0;
    Limits limits;
  };

  void Begin(int slot, bool at_random_phase);
  void End(int slot, bool killed, double wanted);
  void TakeEffect();
  void ShareCpu();
  // What of `growth` the memory limits let through in this step; may kill.
  double Grant(int slot, double growth);
  void Advance(int slot);
  void NoteTools(int slot);
  void KillLargest();

  HostOptions options_;
  const std::vector<Trace>* traces_;
  std::uint64_t steps_ = 0;
  std::vector<Agent> agents_;
  std::vector<double> granted_cores_;
  std::vector<double> born_at_;
  std::vector<std::uint64_t> drawn_;  // tasks of each slot so far
  std::vector<std::vector<std::pair<double, std::uint64_t>>> open_spans_;  // end, span
  std::deque<Pending> pending_;
  double used_ = 0;
  double pool_high_ = kNoLimit;
  double pool_asked_ = kNoLimit;
  bool pool_refused_ = false;
  std::uint64_t last_span_ = 0;
  std::uint64_t last_task_ = 0;
  std::vector<int> born_;
  std::vector<EndedTask> ended_;
  std::vector<ToolEvent> tools_;
  Totals totals_;
};

// A task that waited longer for memory than this was violated, as was a killed one.
inline constexpr double kViolatingWaitSeconds = 1.0;

}  // namespace ballast::simulate

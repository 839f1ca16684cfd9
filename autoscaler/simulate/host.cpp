#include "autoscaler/simulate/host.h"

#include <algorithm>
#include <cmath>

#include "autoscaler/allocate/allocate.h"
#include "autoscaler/simulate/random.h"
#include "collector/base/check.h"

namespace ballast::simulate {
namespace {

constexpr double kBatchBytes = 64 * 4096;  // MEMCG_CHARGE_BATCH
constexpr double kLeastDelaySeconds = 0.010;
constexpr double kMostDelaySeconds = 2.0;

// Index of the sample that ends the stretch `position` lies in.
std::size_t StretchAt(const Trace& trace, double position) {
  const double at = trace.samples.front().at_seconds + position;
  const auto after = std::ranges::upper_bound(trace.samples, at, {}, &Sample::at_seconds);
  const auto index = static_cast<std::size_t>(after - trace.samples.begin());
  return std::clamp<std::size_t>(index, 1, trace.samples.size() - 1);
}

double MemoryAt(const Trace& trace, double position, double rise_seconds) {
  const std::size_t i = StretchAt(trace, position);
  const Sample& then = trace.samples[i - 1];
  const Sample& next = trace.samples[i];
  const double at = trace.samples.front().at_seconds + position;
  const double stretch = next.at_seconds - then.at_seconds;
  const bool steep = rise_seconds > 0 && next.memory_bytes > then.memory_bytes;
  const double rise = steep ? std::min(rise_seconds, stretch) : stretch;
  const double share = std::clamp((at - (next.at_seconds - rise)) / rise, 0.0, 1.0);
  return then.memory_bytes + share * (next.memory_bytes - then.memory_bytes);
}

// A sample tells of the stretch that it ends.
double CoresAt(const Trace& trace, double position) {
  return trace.samples[StretchAt(trace, position)].cpu_cores;
}

// Bytes of `growth` that pass within `seconds` when `used` grows towards and above `high`.
double PassHigh(double used, double growth, double high, double seconds) {
  if (used + growth <= high) return growth;
  const double below = std::max(0.0, high - used);
  const double overage = std::max(0.0, (used + below) / std::max(high, 1.0) - 1);
  const double delay = std::clamp(64 * overage * overage, kLeastDelaySeconds, kMostDelaySeconds);
  return std::min(growth, below + kBatchBytes / delay * seconds);
}

}  // namespace

Host::Host(const HostOptions& options, const std::vector<Trace>& traces)
    : options_(options),
      traces_(&traces),
      agents_(static_cast<std::size_t>(options.agents)),
      granted_cores_(agents_.size()),
      born_at_(agents_.size()),
      drawn_(agents_.size()),
      open_spans_(agents_.size()) {
  BALLAST_CHECK(!traces.empty() && options.agents > 0 && options.step_seconds > 0,
                "a simulation needs traces, agents and time");
  for (int slot = 0; slot < options.agents; ++slot) Begin(slot, true);
}

void Host::Begin(int slot, bool at_random_phase) {
  const auto at = static_cast<std::size_t>(slot);
  const std::uint64_t number = drawn_[at]++;
  const auto stream = static_cast<std::uint64_t>(slot);
  Agent& agent = agents_[at];
  agent = {};
  agent.trace = &(*traces_)[Draw(options_.seed, stream, 2 * number) % traces_->size()];
  agent.task = ++last_task_;
  born_at_[at] = now();
  open_spans_[at].clear();
  if (at_random_phase) {
    agent.position = agent.trace->seconds() * DrawUnit(options_.seed, stream, 2 * number + 1);
    agent.began_at = agent.position;
    agent.used_bytes = MemoryAt(*agent.trace, agent.position, options_.rise_seconds);
    used_ += agent.used_bytes;
    const double begin = agent.trace->samples.front().at_seconds;
    while (agent.next_tool < agent.trace->tools.size() &&
           agent.trace->tools[agent.next_tool].begin_seconds - begin < agent.position)
      ++agent.next_tool;
  }
  ++totals_.tasks;
  born_.push_back(slot);
}

void Host::End(int slot, bool killed, double wanted) {
  const auto at = static_cast<std::size_t>(slot);
  const Agent& agent = agents_[at];
  ended_.push_back({slot, agent.task, killed, agent.used_bytes, wanted});
  if (killed) ++totals_.oom_kills;
  if (killed || agent.memory_waited > kViolatingWaitSeconds) ++totals_.tasks_violated;
  totals_.throttled_seconds += agent.throttled_seconds;
  totals_.memory_waited_seconds += agent.memory_waited;
  if (!killed) {
    ++totals_.finished;
    totals_.finished_seconds += now() - born_at_[at];
    totals_.finished_trace_seconds += agent.position - agent.began_at;
  }
  used_ -= agent.used_bytes;
}

void Host::SetLimits(int slot, const Limits& limits, bool urgent) {
  const std::uint64_t task = agents_[static_cast<std::size_t>(slot)].task;
  const auto delay = static_cast<std::uint64_t>(urgent ? 0 : options_.actuation_steps);
  pending_.push_back({steps_ + delay, slot, task, limits});
}

void Host::SetFirstLimits(int slot, const Limits& limits) {
  agents_[static_cast<std::size_t>(slot)].limits = limits;
}

void Host::SetPool(double high_bytes) {
  pool_asked_ = high_bytes;
  // What is not wanted any more is not fetched.
  std::erase_if(pending_, [&](const Pending& one) {
    return one.slot < 0 && one.limits.memory_high >= high_bytes;
  });
  const bool rises = high_bytes > pool_high_;
  const auto delay =
      rises ? static_cast<std::uint64_t>(std::ceil(options_.lend_seconds / options_.step_seconds))
            : 0;
  pending_.push_back({steps_ + delay, -1, 0, {.memory_high = high_bytes}});
}

// In the order they were set, so that a later one counts; a task that ended
// meanwhile takes its limits with it.
void Host::TakeEffect() {
  std::deque<Pending> later;
  for (const Pending& one : pending_) {
    if (one.due > steps_) {
      later.push_back(one);
      continue;
    }
    if (one.slot < 0) {
      if (pool_high_ != kNoLimit && one.limits.memory_high != pool_high_) ++totals_.resizes;
      pool_high_ = one.limits.memory_high;
      continue;
    }
    Agent& agent = agents_[static_cast<std::size_t>(one.slot)];
    if (agent.task != one.task) continue;
    if (one.limits.cpu_cores != agent.limits.cpu_cores) ++totals_.resizes;
    if (one.limits.memory() != agent.limits.memory()) ++totals_.resizes;
    agent.limits = one.limits;
  }
  pending_.swap(later);
}

// A full host is shared by the same rule as the kernel's equal weights: max-min.
void Host::ShareCpu() {
  double sum = 0;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    granted_cores_[i] =
        std::min(CoresAt(*agents_[i].trace, agents_[i].position), agents_[i].limits.cpu_cores);
    sum += granted_cores_[i];
  }
  if (sum <= options_.cpu_cores) return;
  allocate::Problem problem;
  problem.capacity = options_.cpu_cores;
  for (const double cores : granted_cores_) problem.items.push_back({.demand = cores});
  granted_cores_ = allocate::Allocate(problem).amounts;
}

double Host::Grant(int slot, double growth) {
  Agent& agent = agents_[static_cast<std::size_t>(slot)];
  const double seconds = options_.step_seconds;
  const double passed = PassHigh(agent.used_bytes, growth, agent.limits.memory_high, seconds);
  const double pooled = PassHigh(used_, growth, pool_high_, seconds);
  agent.memory_refused = passed < growth;
  if (pooled < growth) pool_refused_ = true;
  return std::min(passed, pooled);
}

void Host::Advance(int slot) {
  const auto at = static_cast<std::size_t>(slot);
  Agent& agent = agents_[at];
  const Trace& trace = *agent.trace;
  const double seconds = options_.step_seconds;
  const double wanted_cores = CoresAt(trace, agent.position);
  const double ran = wanted_cores > 0 ? granted_cores_[at] / wanted_cores : 1.0;
  const double wanted = MemoryAt(trace, std::min(agent.position + seconds * ran, trace.seconds()),
                                 options_.rise_seconds);
  const double growth = wanted - agent.used_bytes;
  double moved = 1.0;
  agent.memory_refused = false;
  if (growth > 0) {
    const double granted = Grant(slot, growth);
    moved = granted / growth;
    if (agent.used_bytes + granted > agent.limits.memory_max) return End(slot, true, wanted);
    agent.used_bytes += granted;
    used_ += granted;
  } else {
    agent.used_bytes = wanted;
    used_ += growth;
  }
  // On a full host it may not come to use its quota up; then nothing throttles it.
  agent.cpu_refused = wanted_cores > agent.limits.cpu_cores &&
                      granted_cores_[at] >= agent.limits.cpu_cores * (1 - 1e-9);
  agent.cpu_refusals += agent.cpu_refused ? 1 : 0;
  agent.memory_refusals += agent.memory_refused ? 1 : 0;
  if (agent.cpu_refused)
    agent.throttled_seconds += seconds * (1 - agent.limits.cpu_cores / wanted_cores);
  agent.memory_waited += seconds * (1 - moved);
  agent.cpu_cores = granted_cores_[at] * moved;
  agent.cpu_seconds += agent.cpu_cores * seconds;
  agent.position += seconds * ran * moved;
  NoteTools(slot);
  if (agent.position >= trace.seconds() - 1e-9) End(slot, false, 0);
}

void Host::NoteTools(int slot) {
  const auto at = static_cast<std::size_t>(slot);
  Agent& agent = agents_[at];
  const double begin = agent.trace->samples.front().at_seconds;
  auto& open = open_spans_[at];
  std::erase_if(open, [&](const auto& span) {
    if (span.first - begin > agent.position) return false;
    tools_.push_back({agent.task, span.second, false, nullptr, now()});
    return true;
  });
  const auto& tools = agent.trace->tools;
  for (; agent.next_tool < tools.size() &&
         tools[agent.next_tool].begin_seconds - begin <= agent.position;
       ++agent.next_tool) {
    const ToolSpan& span = tools[agent.next_tool];
    tools_.push_back({agent.task, ++last_span_, true, &span.program, now()});
    open.emplace_back(span.end_seconds, last_span_);
  }
}

// As the kernel picks: by resident memory (oom_badness()).
void Host::KillLargest() {
  const auto largest = std::ranges::max_element(agents_, {}, &Agent::used_bytes);
  const auto slot = static_cast<int>(largest - agents_.begin());
  End(slot, true, largest->used_bytes);
  Begin(slot, false);
}

void Host::KillAbove(double bytes) {
  while (used_ > bytes) KillLargest();
}

void Host::Step() {
  born_.clear();
  ended_.clear();
  tools_.clear();
  pool_refused_ = false;
  TakeEffect();
  ShareCpu();
  // Everybody is first in turn.
  const auto count = static_cast<std::uint64_t>(agents_.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto slot = static_cast<int>((i + steps_) % count);
    const std::size_t before = ended_.size();
    Advance(slot);
    if (ended_.size() > before) Begin(slot, false);
  }
  KillAbove(options_.memory_bytes);
  ++steps_;
}

Host::Totals Host::totals() const {
  Totals totals = totals_;
  for (const Agent& agent : agents_) {
    totals.throttled_seconds += agent.throttled_seconds;
    totals.memory_waited_seconds += agent.memory_waited;
    if (agent.memory_waited > kViolatingWaitSeconds) ++totals.tasks_violated;
  }
  return totals;
}

}  // namespace ballast::simulate

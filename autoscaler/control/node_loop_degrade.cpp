// Degrade before kill: the loop's part that throttles and freezes.

#include <algorithm>

#include "autoscaler/control/node_loop.h"
#include "collector/base/log.h"

namespace ballast::control {
namespace {

using actuate::Outcome;
using actuate::Resource;
using guard::DegradeLevel;

bool IsDone(const actuate::Actuation& done) {
  return done.outcome == Outcome::kApplied || done.outcome == Outcome::kUnchanged;
}

}  // namespace

void NodeLoop::Degrade(const std::optional<model::WorkloadKey>& refused, BootTime at) {
  if (!degradation_.is_on()) return;
  const Capacity capacity = CapacityOf(options_, state_.host(), fleet_);
  if (!capacity.memory) return;
  const auto steps =
      degradation_.Judge(fleet_, state_, pool_ ? &*pool_ : nullptr, *capacity.memory, refused, at);
  for (const guard::DegradeStep& step : steps) CarryOut(step, at);
  // CPU of who is degraded does not follow demand.
  if (degradation_.degrader().any())
    for (const auto& [key, tracked] : fleet_.tracked())
      if (degradation_.degrader().LevelOf(key) != DegradeLevel::kNone)
        tracked.cpu.held_until =
            std::max(tracked.cpu.held_until.value_or(at), at + options_.failure_cool_down);
}

void NodeLoop::CarryOut(const guard::DegradeStep& step, BootTime at) {
  Tracked* tracked = fleet_.Find(step.key);
  if (tracked == nullptr) return;
  actuate::Actuation done;
  const DegradeLevel level = Bring(*tracked, step, done, at);
  if (step.to == DegradeLevel::kNone && level == step.to) tracked->cpu.held_until.reset();
  if (level != step.to)
    degradation_.degrader().Failed(
        step.key, level,
        at + (level == DegradeLevel::kFrozen ? options_.failure_cool_down
                                             : options_.foreign_cool_down));
  metrics_.degrade_steps[static_cast<std::size_t>(level)].Add();
  ShowDegraded();
  const std::uint64_t id = next_id_++;
  outbox_->Push(ToEvent(step, *tracked, id, done));
  outbox_->Push(ToActuationEvent(step, *tracked, id, done));
  BALLAST_LOG(kWarn, "memory is short", {"id", id}, {"workload", tracked->name},
              {"what", Describe(step)}, {"error", done.error});
}

DegradeLevel NodeLoop::Bring(Tracked& tracked, const guard::DegradeStep& step,
                             actuate::Actuation& done, BootTime at) {
  if (step.to == DegradeLevel::kFrozen) {
    done = Freeze(tracked, true);
    if (IsDone(done) || step.from == DegradeLevel::kThrottled)
      return IsDone(done) ? DegradeLevel::kFrozen : step.from;
    // What cannot be frozen is slowed at least.
    return IsDone(Throttle(tracked, at)) ? DegradeLevel::kThrottled : DegradeLevel::kNone;
  }
  if (step.from == DegradeLevel::kFrozen) {
    done = Freeze(tracked, false);
    if (!IsDone(done)) return DegradeLevel::kFrozen;
    if (step.to == DegradeLevel::kThrottled) static_cast<void>(Throttle(tracked, at));
    return step.to;
  }
  if (step.to == DegradeLevel::kThrottled) {
    done = Throttle(tracked, at);
    return IsDone(done) ? DegradeLevel::kThrottled : DegradeLevel::kNone;
  }
  done.outcome = Outcome::kUnchanged;  // the next decision gives it CPU by its demand
  return DegradeLevel::kNone;
}

actuate::Actuation NodeLoop::Freeze(Tracked& tracked, bool freeze) {
  actuate::Actuation done = actuator_->Set(tracked.group, Resource::kFreeze, freeze ? 1 : 0);
  Count(done);
  return done;
}

actuate::Actuation NodeLoop::Throttle(Tracked& tracked, BootTime at) {
  const std::int64_t least = ThrottledCpu(tracked);
  actuate::Actuation done = actuator_->Set(tracked.group, Resource::kCpu,
                                           std::min(least, tracked.cpu.in_force.value_or(least)));
  Count(done);
  if (IsDone(done) || done.outcome == Outcome::kForeign) {
    tracked.cpu.in_force = done.in_force;
    tracked.cpu.written_at = tracked.cpu.changed_at = at;
  }
  if (done.outcome == Outcome::kForeign) tracked.cpu.held_until = at + options_.foreign_cool_down;
  return done;
}

void NodeLoop::ShowDegraded() {
  std::array<double, 3> workloads{};
  for (const auto& [key, tracked] : fleet_.tracked())
    ++workloads[static_cast<std::size_t>(degradation_.degrader().LevelOf(key))];
  metrics_.degraded[0].Set(workloads[1]);
  metrics_.degraded[1].Set(workloads[2]);
}

}  // namespace ballast::control

#include "autoscaler/control/node_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "collector/base/check.h"
#include "collector/base/log.h"

namespace ballast::control {
namespace {

using actuate::Outcome;
using actuate::Resource;
using model::Field;

// NTP slews less than this between two records, and who reads them by date would not notice.
constexpr std::chrono::seconds kWallStep{1};

void Add(model::Histogram& histogram, std::chrono::nanoseconds duration) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  const auto bucket =
      std::min<std::size_t>(std::bit_width(ns / 1000), model::Histogram::kBuckets - 1);
  ++histogram.counts[bucket];
  histogram.sum_ns += ns;
}

bool IsDone(const actuate::Actuation& done) {
  return done.outcome == Outcome::kApplied || done.outcome == Outcome::kUnchanged;
}

// What nobody had bounded before is bounded from its ceiling.
std::int64_t AmountChanged(const Change& change) {
  return std::abs(change.proposal.target - change.proposal.current.value_or(change.ceiling));
}

bool ChangesFleet(model::EventKind kind) {
  return kind == model::EventKind::kWorkloadBorn || kind == model::EventKind::kWorkloadDied ||
         kind == model::EventKind::kWorkloadChanged;
}

}  // namespace

NodeLoop::NodeLoop(NodeOptions options, actuate::Actuator& actuator, Outbox& outbox,
                   NodeMetrics metrics)
    : options_(std::move(options)),
      actuator_(&actuator),
      outbox_(&outbox),
      fleet_(options_),
      decider_(options_),
      degradation_(options_),
      metrics_(std::move(metrics)) {
  if (options_.shared_pool) pool_.emplace(options_);
  BALLAST_CHECK(Check(options_).has_value(), "options are checked before the loop is made");
}

void NodeLoop::OnRecord(const model::Record& record, BootTime now) {
  const bool was_whole = state_.is_whole();
  const auto applied = state_.Apply(record);
  if (applied == model::State::Applied::kSkipped) return;
  // Nothing is learned from a time that has not come: what is remembered of it would be newer
  // than all that follows.
  if (record.header.at - now > options_.stale_after) {
    fleet_.Reexamine();
    return Hold("stale", "records are of a time that has not come; a clock may have jumped");
  }
  if (was_whole) NoteDisorder(record.header, applied);
  last_record_ = record.header.at;
  wall_offset_ = record.header.wall_offset;
  const auto* event = std::get_if<model::Event>(&record.body);
  if (event != nullptr && ChangesFleet(event->kind)) fleet_.Reexamine();
  if (event == nullptr) {
    for (const model::WorkloadKey& key : fleet_.Read(state_, record)) actuator_->Forget(key);
    if (pool_) pool_->Read(state_, fleet_, record.header.at);
    if (!stopped_) AdoptNew(record.header.at);
  }
  if (stopped_) return;
  // What is old says nothing about now.
  if (now - record.header.at > options_.stale_after) return Hold("stale", "records are stale");
  event == nullptr ? OnTick(record) : OnEvent(record, *event);
}

// What is not as it should be between two records. Limits are kept; where time is missing, none is
// lowered before enough is seen again: nobody knows what was used meanwhile.
void NodeLoop::NoteDisorder(const model::RecordHeader& header, model::State::Applied applied) {
  if (applied == model::State::Applied::kReset) {
    fleet_.Restart();
    return Say(
        "the collector began anew: limits are kept, and none is lowered before enough is seen");
  }
  if (applied == model::State::Applied::kGap && gap_said_.IsDue(header.at))
    Say("records are missing: what happened in them is not known, counters are whole");
  if (const auto gap = header.at - last_record_; gap > options_.stale_after) {
    fleet_.Restart();
    if (leap_said_.IsDue(header.at))
      Say(
          fmt::format("no record of {:.1f} s, the host or its collector stood still: no limit is "
                      "lowered before enough is seen",
                      std::chrono::duration<double>(gap).count()));
  }
  const auto step = header.wall_offset - wall_offset_;
  if (std::chrono::abs(step) > kWallStep && step_said_.IsDue(header.at))
    Say(fmt::format("the wall clock was set by {:+.1f} s: nothing here depends on it",
                    std::chrono::duration<double>(step).count()));
}

void NodeLoop::OnTime(BootTime now) {
  for (const guard::DegradeStep& step : degradation_.degrader().Overdue(now)) CarryOut(step, now);
  if (!began_at_) began_at_ = now;
  if (stopped_) return;
  const bool whole = state_.is_whole();
  if (now - (whole ? last_record_ : *began_at_) <= options_.stale_after) return;
  if (whole)
    Hold("stale", "no record from the collector; it may be away");
  else
    Hold("no_key", "no key record from the collector yet");
}

void NodeLoop::Stop(const std::string& why) {
  stopped_ = true;
  Hold("stopped", "stopped: " + why);
  SetWaiting(false);
}

void NodeLoop::Continue() {
  if (!stopped_) return;
  stopped_ = false;
  SetWaiting(true);
  Resume();
}

// A v1 group that waits at its limit waits for us.
void NodeLoop::SetWaiting(bool on) {
  for (auto& [key, tracked] : fleet_.tracked())
    if (tracked.adopted && tracked.wait_on && !tracked.give_up)
      Count(actuator_->Set(tracked.group, Resource::kMemoryWait, on ? 1 : 0));
  if (pool_ && pool_->adopted && !pool_->give_up)
    Count(actuator_->Set(*pool_->group(), Resource::kMemoryWait, on ? 1 : 0));
}

void NodeLoop::OnTick(const model::Record& record) {
  EndLongWaits(record.header.at);
  Run({}, record.header.at);
  Degrade(std::nullopt, record.header.at);
}

Tracked* NodeLoop::SubjectOf(const model::Event& event) {
  if (event.key) return fleet_.Find(*event.key);
  if (!event.subject) return nullptr;
  const model::Entity* entity = state_.Find(*event.subject);
  const auto key = entity == nullptr ? std::nullopt : model::KeyOf(entity->fields);
  return key ? fleet_.Find(*key) : nullptr;
}

void NodeLoop::OnEvent(const model::Record& record, const model::Event& event) {
  switch (event.kind) {
    case model::EventKind::kThrottleBegin:
      return OnRefusal(record, event);
    case model::EventKind::kMemoryLimit:
      if (pool_ && event.key && pool_->Is(*event.key))
        return OnPoolRefusal(record.header.at, record.header.at);
      return OnRefusal(record, event);
    case model::EventKind::kToolBegin:
    case model::EventKind::kToolCall:
      return OnTool(record, event);
    default:
      return;
  }
}

// A call's exec and its end.
void NodeLoop::OnTool(const model::Record& record, const model::Event& event) {
  const Tracked* tracked = options_.learn_tools ? SubjectOf(event) : nullptr;
  const auto span = event.fields.Get(Field::kSpanId);
  if (tracked == nullptr || !span) return;
  const BootTime at = record.header.at;
  if (event.kind == model::EventKind::kToolCall) return fleet_.EndTool(*tracked, *span, at);
  fleet_.BeginTool(*tracked, *span, event.fields.GetText(Field::kProgram), at);
  MakeRoom(*tracked, at);
}

// Most calls fit into what stands already, and cost no decision.
void NodeLoop::MakeRoom(const Tracked& tracked, BootTime at) {
  const std::string what(model::NameOf(model::EventKind::kToolBegin));
  const model::WorkloadKey key = tracked.group.key;
  if (pool_ && pool_->group())
    Run({.what = what, .subject = pool_->group()->key, .resource = Resource::kMemoryPool}, at);
  for (const Resource resource : {Resource::kMemory, Resource::kCpu}) {
    const auto& in_force =
        resource == Resource::kCpu ? tracked.cpu.in_force : tracked.memory.in_force;
    if (in_force &&
        WithTools(options_, fleet_, tracked, resource, at) > static_cast<double>(*in_force))
      Run({.what = what, .subject = key, .resource = resource}, at);
  }
}

void NodeLoop::OnPoolRefusal(BootTime at, BootTime refused_at,
                             const std::optional<model::WorkloadKey>& who) {
  ++stats_.events;
  // From before our last answer: it says nothing about the limit that stands now.
  if (pool_->limit().written_at && refused_at <= *pool_->limit().written_at) return;
  pool_->Refused(at);
  Run({.what = std::string(model::NameOf(model::EventKind::kMemoryLimit)),
       .subject = pool_->group()->key,
       .resource = Resource::kMemoryPool,
       .refused_at = refused_at},
      at);
  Degrade(who, at);
}

void NodeLoop::OnRefusal(const model::Record& record, const model::Event& event) {
  const bool cpu = event.kind == model::EventKind::kThrottleBegin;
  Tracked* tracked = SubjectOf(event);
  if (tracked == nullptr) return;
  const BootTime refused_at(static_cast<std::int64_t>(
      event.fields.Get(Field::kEventTimeNs)
          .value_or(static_cast<std::uint64_t>(record.header.at.count()))));
  if (!cpu && pool_ && pool_->IsTighterFor(*tracked))
    return OnPoolRefusal(record.header.at, refused_at, tracked->group.key);
  const Limit& limit = cpu ? tracked->cpu : tracked->memory;
  ++stats_.events;
  // From before our last answer: it says nothing about the limit that stands now.
  if (limit.written_at && refused_at <= *limit.written_at) return;
  const forecast::Limits in_force = tracked->LimitsInForce();
  if (cpu)
    tracked->estimator->CpuRefused(record.header.at, in_force);
  else
    tracked->estimator->MemoryRefused(record.header.at, in_force);
  // The next tick adopts it and answers; a write now would be refused, and hold it for a second.
  if (tracked->may_write && !tracked->adopted) return;
  Run({.what = std::string(model::NameOf(event.kind)),
       .subject = tracked->group.key,
       .resource = cpu ? Resource::kCpu : Resource::kMemory,
       .refused_at = refused_at},
      record.header.at);
  if (!cpu) Degrade(tracked->group.key, record.header.at);
}

void NodeLoop::Run(const Trigger& trigger, BootTime at) {
  const Capacity capacity = CapacityOf(options_, state_.host(), fleet_);
  Decision decision = decider_.Decide(fleet_, capacity, trigger, at);
  if (pool_ && (!trigger.subject || trigger.resource == Resource::kMemoryPool))
    pool_->Decide(decision, fleet_, capacity.memory);
  ShowPool();
  ++stats_.decisions;
  if (decision.uneconomic > 0) metrics_.uneconomic.Add(decision.uneconomic);
  if (decision.problem.empty())
    Resume();
  else
    Hold("no_solution", decision.problem);
  if (decision.changes.empty()) return;
  decision.id = next_id_++;
  CarryOut(decision);
  outbox_->Push(ToEvent(decision));
  for (const Change& change : decision.changes) {
    if (change.done) outbox_->Push(ToActuationEvent(decision, change));
    BALLAST_LOG(kInfo, "decided", {"id", decision.id}, {"workload", change.name},
                {"what", Describe(change)}, {"outcome", OutcomeOf(change)},
                {"trigger", trigger.what}, {"error", change.done ? change.done->error : ""});
  }
}

void NodeLoop::CarryOut(Decision& decision) {
  for (Change& change : decision.changes) {
    Limit* limit = LimitOf(change);
    if (limit == nullptr) continue;
    if (change.mode == Mode::kAuto) {
      change.done = actuator_->Set(change.group, change.resource, change.proposal.target);
      change.owner = actuator_->OwnerOf(change.group);
      Count(*change.done);
      if (decision.trigger.refused_at && change.done->outcome == Outcome::kApplied) {
        const auto reaction = change.done->written_at - *decision.trigger.refused_at;
        Add(stats_.reaction, reaction);
        metrics_.reaction.Observe(std::chrono::duration<double>(reaction).count());
      }
    }
    metrics_.CountDecision(OutcomeOf(change));
    Settle(decision, change, *limit);
  }
}

void NodeLoop::Count(const actuate::Actuation& done) {
  const auto outcome = static_cast<std::size_t>(done.outcome);
  ++stats_.actuations[outcome];
  metrics_.actuations[outcome].Add();
}

Limit* NodeLoop::LimitOf(const Change& change) {
  if (change.resource == Resource::kMemoryPool) return &pool_->limit();
  Tracked* tracked = fleet_.Find(change.group.key);
  if (tracked == nullptr) return nullptr;
  return change.resource == Resource::kCpu ? &tracked->cpu : &tracked->memory;
}

void NodeLoop::Settle(const Decision& decision, const Change& change, Limit& limit) {
  limit.changed_at = decision.at;
  const bool lowers = !change.proposal.current || change.proposal.target < *change.proposal.current;
  if (!change.done || IsDone(*change.done)) {
    lowers ? limit.hold.Lowered(decision.at) : limit.hold.Raised(decision.at);
    metrics_.CountChange(change.resource, lowers, AmountChanged(change));
  }
  if (!change.done) {
    limit.recommended = change.proposal.target;
    return;
  }
  const actuate::Actuation& done = *change.done;
  if (IsDone(done) || done.outcome == Outcome::kForeign) {
    limit.in_force = done.in_force;
    limit.written_at = done.outcome == Outcome::kApplied ? done.written_at : decision.at;
  }
  if (IsDone(done)) return;
  // Who made it anew, or gave it another limit, is asked for the original again.
  if (change.resource == Resource::kMemoryPool &&
      (done.outcome == Outcome::kForeign || done.outcome == Outcome::kGone)) {
    if (done.outcome == Outcome::kGone) actuator_->Forget(change.group.key);
    pool_->adopted = false;
  }
  if (done.outcome == Outcome::kForeign) {
    limit.held_until = decision.at + options_.foreign_cool_down;
    return;
  }
  // A limit that may not fall now (use rose meanwhile) may still rise at once.
  // A pool's memory.high may stand below use, so a refusal there is about something else.
  if (lowers && change.resource != Resource::kMemoryPool)
    limit.needed_at = decision.at;
  else
    limit.held_until = decision.at + options_.failure_cool_down;
}

void NodeLoop::AdoptNew(BootTime at) {
  AdoptPool(at);
  std::vector<actuate::Group> fresh;
  for (const Tracked* tracked : fleet_.newcomers()) {
    const bool held = tracked->cpu.held_until && at < *tracked->cpu.held_until;
    if (!held) fresh.push_back(tracked->group);
  }
  if (fresh.empty()) return;
  for (const actuate::Adoption& adoption : actuator_->Adopt(fresh)) {
    Tracked& tracked = *fleet_.Find(adoption.group.key);
    tracked.adopted = !adoption.error;
    if (tracked.adopted) {
      SetStandingValues(tracked);
      continue;
    }
    // Whoever runs it was asked, and has not answered yet.
    const bool is_asked = adoption.error->code() == std::errc::resource_unavailable_try_again;
    tracked.cpu.held_until = tracked.memory.held_until =
        at + (is_asked ? options_.failure_cool_down : options_.foreign_cool_down);
    if (is_asked) continue;
    Say("limits are left alone: " + adoption.error->ToString(), &tracked);
  }
}

void NodeLoop::AdoptPool(BootTime at) {
  if (!pool_ || !pool_->group() || pool_->mode() != Mode::kAuto || pool_->adopted) return;
  if (pool_->limit().held_until && at < *pool_->limit().held_until) return;
  for (const actuate::Adoption& adoption : actuator_->Adopt({*pool_->group()})) {
    pool_->adopted = !adoption.error;
    pool_->original = adoption.original_memory;
    if (pool_->adopted) {
      Count(actuator_->Set(*pool_->group(), Resource::kMemoryWait, 1));
      continue;
    }
    pool_->limit().held_until = at + options_.foreign_cool_down;
    Say("the pool is left alone: " + adoption.error->ToString());
  }
}

// What does not follow demand: the weight, and waiting instead of dying on v1.
void NodeLoop::SetStandingValues(Tracked& tracked) {
  const auto set = [&](Resource resource, std::int64_t amount) {
    const actuate::Actuation done = actuator_->Set(tracked.group, resource, amount);
    Count(done);
    if (!IsDone(done) && done.outcome != Outcome::kRefused)
      Say(fmt::format("{} not set: {}", actuate::ToString(resource), done.error), &tracked);
    return IsDone(done);
  };
  if (tracked.rule.set_weight)
    set(Resource::kCpuWeight, static_cast<std::int64_t>(tracked.rule.weight * 1000));
  if (tracked.rule.max_io_bytes_per_second)
    set(Resource::kIoBandwidth, *tracked.rule.max_io_bytes_per_second);
  set(Resource::kMemoryGuarantee, tracked.rule.min_memory);
  tracked.wait_on = set(Resource::kMemoryWait, 1);
  // The loop before a reload may have left it frozen.
  if (const auto thawed = actuator_->Set(tracked.group, Resource::kFreeze, 0);
      thawed.outcome == Outcome::kApplied)
    Say("was frozen by an earlier loop, and is thawed", &tracked);
}

// Waiting helps while the limit may still rise. Where it cannot, the kernel
// must be allowed to end it, or the workload would hang for good.
void NodeLoop::EndLongWaits(BootTime at) {
  if (pool_ && pool_->adopted) EndLongWaitAtPool(at);
  for (const auto& [key, waiting] : fleet_.waiting()) {
    Tracked& tracked = *waiting;
    // Who waits at the pool is not helped by the end of its own wait.
    if (!tracked.adopted || (pool_ && pool_->waiting_since && pool_->IsTighterFor(tracked)))
      continue;
    const bool too_long =
        tracked.waiting_since && at - *tracked.waiting_since > options_.longest_wait;
    if (too_long == tracked.give_up || (!too_long && tracked.waiting_since)) continue;
    tracked.give_up = too_long;
    const actuate::Actuation done =
        actuator_->Set(tracked.group, Resource::kMemoryWait, too_long ? 0 : 1);
    Count(done);
    if (too_long)
      Say("waited too long at a memory limit that cannot rise: the kernel decides now", &tracked);
  }
}

void NodeLoop::EndLongWaitAtPool(BootTime at) {
  const auto& since = pool_->waiting_since;
  const bool too_long = since && at - *since > options_.longest_wait;
  if (too_long == pool_->give_up || (!too_long && since)) return;
  pool_->give_up = too_long;
  Count(actuator_->Set(*pool_->group(), Resource::kMemoryWait, too_long ? 0 : 1));
  if (too_long) Say("workloads waited too long at a pool that cannot rise: the kernel decides now");
}

void NodeLoop::ShowPool() {
  if (!pool_) return;
  const Limit& limit = pool_->limit();
  metrics_.SetPool(limit.in_force, limit.used, pool_->demand());
}

void NodeLoop::Hold(const char* kind, const std::string& why) {
  if (holding_kind_ != nullptr && std::string_view(holding_kind_) == kind) return;
  holding_kind_ = kind;
  holding_ = why;
  Say("what is applied is kept: " + why);
}

void NodeLoop::Resume() {
  if (holding_kind_ == nullptr) return;
  holding_kind_ = nullptr;
  holding_.clear();
  Say("deciding again");
}

void NodeLoop::Say(const std::string& text, const Tracked* about) {
  BALLAST_LOG(kWarn, "autoscaler", {"workload", about == nullptr ? "" : about->name},
              {"text", text});
  model::Event event;
  event.kind = model::EventKind::kAutoscaler;
  event.fields.SetText(Field::kOrigin, "node");
  event.fields.SetText(Field::kMode, ToString(options_.mode));
  event.fields.SetText(Field::kText, text);
  if (about != nullptr) {
    event.subject = about->ref;
    event.key = about->group.key;
  }
  outbox_->Push(std::move(event));
}

}  // namespace ballast::control

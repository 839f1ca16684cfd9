#include "autoscaler/control/fleet.h"

#include <algorithm>

namespace ballast::control {
namespace {

using model::Entity;
using model::Field;
using model::FieldSet;
using Amount = std::optional<std::int64_t>;

// A record that was being made while we wrote may still hold the older value.
constexpr std::chrono::milliseconds kRecordSkew{150};

// A workload that no tick speaks of is looked at this often: its use has ended then.
constexpr std::chrono::milliseconds kSleepersTurn{500};

Amount FiniteLimit(const FieldSet& fields, Field field) {
  const auto value = fields.Get(field);
  if (!value || *value == model::kUnlimited) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

Amount CpuLimit(const FieldSet& fields) {
  const Amount quota = FiniteLimit(fields, Field::kCpuQuotaNs);
  const auto period = fields.Get(Field::kCpuPeriodNs);
  if (!quota || !period || *period == 0) return std::nullopt;
  return *quota * 1000 / static_cast<std::int64_t>(*period);
}

// The lower one is what a growing group meets first.
Amount MemoryLimit(const FieldSet& fields) {
  const Amount high = FiniteLimit(fields, Field::kMemoryHighBytes);
  const Amount max = FiniteLimit(fields, Field::kMemoryMaxBytes);
  if (!high || !max) return high ? high : max;
  return std::min(*high, *max);
}

// Only news counts: a collector that reads limits seldom repeats an old value
// long after we wrote another.
void TakeRecorded(Limit& limit, Amount now, BootTime at) {
  if (now == limit.recorded && limit.written_at) return;
  limit.recorded = now;
  if (!limit.written_at || at > *limit.written_at + kRecordSkew) limit.in_force = now;
}

std::string NameOf(const FieldSet& fields) {
  for (const Field field : {Field::kAgent, Field::kName, Field::kContainerId})
    if (const auto text = fields.GetText(field); !text.empty()) return std::string(text);
  return std::string(fields.GetText(Field::kPath));
}

}  // namespace

Tracked::Tracked(const NodeOptions& options, const actuate::Group& who)
    : rule(RuleFor(options, who.path)),
      estimator(std::make_unique<forecast::DecayingPeak>(options.forecast)),
      cpu(options.changes_per_minute),
      memory(options.changes_per_minute),
      mode(ModeFor(options, who.path)),
      may_write(mode == Mode::kAuto),
      in_pool(options.shared_pool && actuate::IsBelow(who.path, options.shared_pool->parent)),
      group(who) {}

forecast::Limits Tracked::LimitsInForce() const {
  forecast::Limits limits;
  if (cpu.in_force) limits.cpu_millicores = static_cast<double>(*cpu.in_force);
  if (memory.in_force) limits.memory_bytes = static_cast<double>(*memory.in_force);
  return limits;
}

bool Fleet::IsManaged(const model::State& state, const Entity& entity) const {
  if (!model::IsWorkload(entity.kind)) return false;
  const std::string_view path = entity.fields.GetText(Field::kPath);
  const auto below = [&](const std::string& prefix) {
    // A slice that is the prefix itself is the parent that holds the workloads.
    return actuate::IsBelow(path, prefix) &&
           (entity.kind != model::EntityKind::kSlice || path.size() > prefix.size());
  };
  const auto& prefixes = options_->auto_prefixes;
  const bool named = std::ranges::any_of(prefixes, below) ||
                     std::ranges::any_of(options_->rules, below, &WorkloadRule::prefix);
  const bool nothing_named = prefixes.empty() && options_->rules.empty();
  if (!named && !(nothing_named && entity.kind == model::EntityKind::kContainer)) return false;
  // What runs inside a managed workload is part of it: its use counts there already.
  const Entity* parent = state.Find(entity.parent);
  return parent == nullptr || entity.parent == model::kHostRef || !IsManaged(state, *parent);
}

Tracked& Fleet::Track(const model::WorkloadKey& key, const Entity& entity) {
  const auto found = tracked_.find(key);
  if (found != tracked_.end()) return found->second;
  const actuate::Group group{key, std::string(entity.fields.GetText(Field::kPath))};
  Tracked& fresh = tracked_.try_emplace(key, *options_, group).first->second;
  if (const auto born_ns = entity.fields.Get(Field::kBootRelativeStartNs))
    fresh.cpu.held_until = fresh.memory.held_until =
        BootTime(static_cast<std::int64_t>(*born_ns)) + options_->newborn_hold;
  return fresh;
}

void Fleet::TakeReading(Tracked& tracked, const FieldSet& fields, const FieldSet* row,
                        BootTime at) {
  TakeRecorded(tracked.cpu, CpuLimit(fields), at);
  TakeRecorded(tracked.memory, MemoryLimit(fields), at);
  const auto memory = fields.Get(Field::kMemoryUsageBytes);
  if (memory) SetMemoryUsed(tracked, static_cast<std::int64_t>(*memory));
  SetWaiting(tracked, fields.Get(Field::kMemoryUnderOom).value_or(0) != 0, at);

  auto seen = tracked.observer.Observe(fields, row, at);
  if (!seen) return;
  // Refusals of this stretch may be from before our answer inside it; an event
  // tells those from after it.
  const auto answered = [&](const Limit& limit) {
    return limit.written_at &&
           at - *limit.written_at < std::chrono::duration<double>(seen->seconds);
  };
  if (answered(tracked.cpu)) seen->cpu_refused = false;
  if (answered(tracked.memory)) seen->memory_refused = false;
  ++tracked.readings;
  if (seen->cpu_used_millicores)
    tracked.cpu.used = static_cast<std::int64_t>(*seen->cpu_used_millicores);
  if (seen->memory_used_bytes)
    SetMemoryUsed(tracked, static_cast<std::int64_t>(*seen->memory_used_bytes));
  if (seen->memory_needed_bytes) {
    tracked.memory_needed = *seen->memory_needed_bytes;
    tools_.Observe(tracked.group.key, *seen->memory_needed_bytes, at);
  }
  if (seen->cpu_used_millicores) {
    cpu_tools_.Observe(tracked.group.key, *seen->cpu_used_millicores, at);
    tracked.cpu_wanted =
        tracked.cpu.used + static_cast<std::int64_t>(seen->cpu_waited_millicores.value_or(0));
  }
  tracked.estimator->Observe(*seen, tracked.LimitsInForce());
}

void Fleet::SetMemoryUsed(Tracked& tracked, std::int64_t bytes) {
  memory_used_ += bytes - tracked.memory.used;
  tracked.memory.used = bytes;
}

void Fleet::SetWaiting(Tracked& tracked, bool waits, BootTime at) {
  if (!waits) return tracked.waiting_since.reset();
  if (tracked.waiting_since) return;
  tracked.waiting_since = at;
  waiting_[tracked.group.key] = &tracked;
}

void Fleet::Examine(const model::State& state) {
  members_.clear();
  ++reading_;
  for (const auto& [ref, entity] : state.entities()) {
    if (!IsManaged(state, entity)) continue;
    const auto key = model::KeyOf(entity.fields);
    if (!key) continue;
    Tracked& tracked = Track(*key, entity);
    tracked.name = NameOf(entity.fields);
    tracked.ref = ref;
    tracked.last_reading = reading_;
    members_.push_back({ref, &entity, &tracked});
  }
  is_examined_ = true;
}

std::vector<model::WorkloadKey> Fleet::DropGone() {
  std::vector<model::WorkloadKey> gone;
  for (const auto& [key, tracked] : tracked_)
    if (tracked.last_reading != reading_) gone.push_back(key);
  for (const model::WorkloadKey& key : gone) {
    tools_.Forget(key);
    cpu_tools_.Forget(key);
    waiting_.erase(key);
    const auto found = tracked_.find(key);
    SetMemoryUsed(found->second, 0);
    tracked_.erase(found);
  }
  return gone;
}

void Fleet::PutInOrder() {
  in_order_.clear();
  newcomers_.clear();
  for (auto& [key, tracked] : tracked_) {
    in_order_.push_back({key, tracked});
    if (tracked.may_write) newcomers_.push_back(&tracked);
  }
}

// Of several about one workload the last counts.
void Fleet::TakeRows(const model::Tick* tick) {
  rows_.clear();
  if (tick == nullptr) return;
  for (const model::EntityRow& row : tick->rows) rows_.push_back({row.ref, &row.fields});
  if (!std::ranges::is_sorted(rows_, {}, &Row::ref)) std::ranges::stable_sort(rows_, {}, &Row::ref);
}

std::vector<model::WorkloadKey> Fleet::Read(const model::State& state,
                                            const model::Record& record) {
  const auto* tick = std::get_if<model::Tick>(&record.body);
  // Workloads are born and die by events; a tick removes only what belongs to one.
  std::vector<model::WorkloadKey> gone;
  if (tick == nullptr || !is_examined_) {
    Examine(state);
    gone = DropGone();
    PutInOrder();
  }
  std::erase_if(newcomers_, [](const Tracked* tracked) { return tracked->adopted; });
  std::erase_if(waiting_, [](const auto& entry) {
    return !entry.second->waiting_since && !entry.second->give_up;
  });
  TakeRows(tick);
  auto next = rows_.begin();
  const BootTime at = record.header.at;
  for (const Member& member : members_) {
    Tracked& tracked = *member.tracked;
    const FieldSet* row = nullptr;
    for (; next != rows_.end() && next->ref <= member.ref; ++next)
      if (next->ref == member.ref) row = next->fields;
    // Nothing changed: it sleeps, and demand is forgotten by time alone.
    if (tick != nullptr && row == nullptr && at - tracked.read_at < kSleepersTurn) {
      ++tracked.readings;
      tracked.cpu.used = tracked.cpu_wanted = 0;
      continue;
    }
    tracked.read_at = at;
    // Names come late, from the runtime.
    if (row != nullptr && !row->texts().empty()) tracked.name = NameOf(member.entity->fields);
    TakeReading(tracked, member.entity->fields, row, at);
  }
  return gone;
}

void Fleet::Restart() {
  is_examined_ = false;
  for (auto& [key, tracked] : tracked_) {
    tracked.observer = {};
    tracked.readings = 0;
    tracked.read_at = {};
  }
}

void Fleet::BeginTool(const Tracked& tracked, std::uint64_t span, std::string_view program,
                      BootTime at) {
  tools_.Begin(tracked.group.key, span, program, tracked.memory_needed, at);
  cpu_tools_.Begin(tracked.group.key, span, program, static_cast<double>(tracked.cpu.used), at);
}

void Fleet::EndTool(const Tracked& tracked, std::uint64_t span, BootTime at) {
  tools_.End(tracked.group.key, span, at);
  cpu_tools_.End(tracked.group.key, span, at);
}

Tracked* Fleet::Find(const model::WorkloadKey& key) {
  const auto found = tracked_.find(key);
  return found == tracked_.end() ? nullptr : &found->second;
}

}  // namespace ballast::control

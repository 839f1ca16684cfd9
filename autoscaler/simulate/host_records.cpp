#include "autoscaler/simulate/host_records.h"

#include <cmath>

namespace ballast::simulate {
namespace {

using model::EntityRef;
using model::Field;
using model::FieldSet;

constexpr EntityRef kPoolRef{1};
constexpr std::uint64_t kPoolCgroup = 1;
// Past the pool's; tasks are numbered from 1.
constexpr std::uint64_t kFirstCgroup = 1000;
constexpr std::uint64_t kPeriodNs = 100'000'000;
// A host without a stated size: more than anybody needs, and its sums stay exact.
constexpr double kPlenty = 0x1p44;

EntityRef RefOf(std::uint64_t task) {
  return EntityRef{static_cast<std::uint32_t>(task + 1)};
}

std::uint64_t Whole(double amount) {
  return amount > 0 ? static_cast<std::uint64_t>(amount) : 0;
}

std::uint64_t LimitOf(double limit, double unit) {
  return limit == kNoLimit ? model::kUnlimited : Whole(limit * unit);
}

void SetNumbers(FieldSet& fields, const Agent& agent) {
  fields.Set(Field::kCpuUsageNs, Whole(agent.cpu_seconds * 1e9));
  fields.Set(Field::kCpuThrottledNs, Whole(agent.throttled_seconds * 1e9));
  fields.Set(Field::kCpuThrottledPeriods, agent.cpu_refusals);
  fields.Set(Field::kCpuPeriodNs, kPeriodNs);
  fields.Set(Field::kCpuQuotaNs, LimitOf(agent.limits.cpu_cores, kPeriodNs));
  fields.Set(Field::kMemoryUsageBytes, Whole(agent.used_bytes));
  fields.Set(Field::kMemoryHighBytes, LimitOf(agent.limits.memory_high, 1));
  fields.Set(Field::kMemoryMaxBytes, LimitOf(agent.limits.memory_max, 1));
  fields.Set(Field::kMemoryHighEvents, agent.memory_refusals);
}

FieldSet WholeTask(const Agent& agent, BootTime born) {
  FieldSet fields;
  const model::WorkloadKey key = KeyOfTask(agent.task);
  fields.Set(Field::kBootRelativeStartNs, static_cast<std::uint64_t>(born.count()));
  fields.Set(Field::kCgroupId, key.cgroup_id);
  fields.Set(Field::kHierarchyId, key.hierarchy_id);
  fields.SetText(Field::kPath, std::string(kAgentsPath) + "/task-" + std::to_string(agent.task));
  SetNumbers(fields, agent);
  return fields;
}

FieldSet HostFields(const Host& host) {
  FieldSet fields;
  const double total = std::min(host.options().memory_bytes, kPlenty);
  fields.Set(Field::kCpusOnline, Whole(std::ceil(host.options().cpu_cores)));
  fields.Set(Field::kMemoryTotalBytes, Whole(total));
  fields.Set(Field::kMemoryAvailableBytes, Whole(total - host.used_bytes()));
  return fields;
}

FieldSet PoolNumbers(const Host& host) {
  FieldSet fields;
  fields.Set(Field::kMemoryUsageBytes, Whole(host.used_bytes()));
  fields.Set(Field::kMemoryHighBytes, LimitOf(host.pool_high(), 1));
  return fields;
}

model::Event EventOf(model::EventKind kind, std::optional<std::uint64_t> task, double at) {
  model::Event event;
  event.kind = kind;
  event.subject = task ? RefOf(*task) : kPoolRef;
  event.key = task ? KeyOfTask(*task) : KeyOfPool();
  event.fields.Set(Field::kEventTimeNs, Whole(at));
  return event;
}

}  // namespace

model::WorkloadKey KeyOfTask(std::uint64_t task) {
  return {kFirstCgroup + task, 0};
}

model::WorkloadKey KeyOfPool() {
  return {kPoolCgroup, 0};
}

BootTime TimeOf(const Host& host) {
  return std::chrono::hours(1) + std::chrono::nanoseconds(std::llround(host.now() * 1e9));
}

model::Record HostRecords::Make(const Host& host,
                                std::variant<model::Tick, model::Event, model::Key> body) {
  return {{.host = "simulated",
           .boot_id = "00000000-0000-0000-0000-000000000000",
           .incarnation = 1,
           .sequence = ++sequence_,
           .at = TimeOf(host),
           .wall_offset = {}},
          std::move(body)};
}

model::Key HostRecords::FirstKey(const Host& host) const {
  model::Key key;
  key.entities.push_back({model::kHostRef, model::EntityKind::kHost, {}, HostFields(host), {}});
  FieldSet pool = PoolNumbers(host);
  pool.Set(Field::kCgroupId, kPoolCgroup);
  pool.Set(Field::kHierarchyId, 0);
  pool.SetText(Field::kPath, kAgentsPath);
  key.entities.push_back({kPoolRef, model::EntityKind::kSlice, model::kHostRef, pool, {}});
  // They ran before anybody looked.
  for (const Agent& agent : host.agents())
    key.entities.push_back({RefOf(agent.task),
                            model::EntityKind::kContainer,
                            kPoolRef,
                            WholeTask(agent, BootTime(0)),
                            {}});
  return key;
}

void HostRecords::EmitEvents(const Host& host,
                             const std::function<void(const model::Record&)>& take) {
  const auto at = static_cast<double>(TimeOf(host).count());
  for (const EndedTask& ended : host.ended())
    take(Make(host, EventOf(model::EventKind::kWorkloadDied, ended.task, at)));
  for (const int slot : host.born()) {
    const Agent& agent = host.agents()[static_cast<std::size_t>(slot)];
    model::Event born = EventOf(model::EventKind::kWorkloadBorn, agent.task, at);
    born.rows.push_back({RefOf(agent.task),
                         model::EntityKind::kContainer,
                         kPoolRef,
                         WholeTask(agent, TimeOf(host)),
                         {}});
    take(Make(host, std::move(born)));
  }
  for (const ToolEvent& tool : host.tools()) {
    model::Event event = EventOf(
        tool.began ? model::EventKind::kToolBegin : model::EventKind::kToolCall, tool.task, at);
    event.fields.Set(Field::kSpanId, tool.span);
    if (tool.program != nullptr) event.fields.SetText(Field::kProgram, *tool.program);
    take(Make(host, std::move(event)));
  }
  for (const Agent& agent : host.agents()) {
    if (agent.cpu_refused)
      take(Make(host, EventOf(model::EventKind::kThrottleBegin, agent.task, at)));
    if (agent.memory_refused)
      take(Make(host, EventOf(model::EventKind::kMemoryLimit, agent.task, at)));
  }
  if (host.pool_refused())
    take(Make(host, EventOf(model::EventKind::kMemoryLimit, std::nullopt, at)));
}

void HostRecords::Emit(const Host& host, const std::function<void(const model::Record&)>& take) {
  if (sequence_ == 0) return take(Make(host, FirstKey(host)));
  EmitEvents(host, take);
  model::Tick tick;
  tick.rows.push_back({model::kHostRef, {}, {}, HostFields(host), {}});
  tick.rows.push_back({kPoolRef, {}, {}, PoolNumbers(host), {}});
  for (const Agent& agent : host.agents()) {
    model::EntityRow& row = tick.rows.emplace_back();
    row.ref = RefOf(agent.task);
    SetNumbers(row.fields, agent);
  }
  take(Make(host, std::move(tick)));
}

}  // namespace ballast::simulate

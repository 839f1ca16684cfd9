#include "tests/support/synthetic_records.h"

#include <string>

namespace ballast::test {

using model::EntityRef;
using model::EntityRow;
using model::Field;
using model::Record;

SyntheticHost::SyntheticHost(SyntheticOptions options) : options_(options), random_(options.seed) {
  EntityRow host{model::kHostRef, model::EntityKind::kHost, std::nullopt, {}, {}};
  host.fields.Set(Field::kCpusOnline, 4);
  host.fields.Set(Field::kMemoryTotalBytes, 16ULL << 30);
  host.fields.Set(Field::kMemoryAvailableBytes, 12ULL << 30);
  model::Key key{{host}, model::KnownFieldNames()};
  for (int i = 0; i < options_.workloads; ++i) key.entities.push_back(NewWorkload());
  state_.Apply(Record{NextHeader(), key});
}

std::vector<EntityRef> SyntheticHost::workloads() const {
  std::vector<EntityRef> refs;
  for (const auto& [ref, entity] : state_.entities())
    if (model::IsWorkload(entity.kind)) refs.push_back(ref);
  return refs;
}

model::RecordHeader SyntheticHost::NextHeader() {
  return {.host = "synthetic",
          .boot_id = "00000000-0000-4000-8000-000000000001",
          .incarnation = 3'599'000'000'000,
          .sequence = ++sequence_,
          .at = now_,
          .wall_offset = std::chrono::seconds(1'700'000'000)};
}

Record SyntheticHost::Make(model::RecordHeader header, auto body) {
  Record record{std::move(header), std::move(body)};
  state_.Apply(record);
  return record;
}

EntityRow SyntheticHost::NewWorkload() {
  const std::uint32_t number = next_ref_++;
  EntityRow row{EntityRef{number}, model::EntityKind::kContainer, std::nullopt, {}, {}};
  const std::string id = "agent-" + std::to_string(number);
  row.fields.Set(Field::kBootRelativeStartNs, static_cast<std::uint64_t>(now_.count()));
  row.fields.Set(Field::kCgroupId, 1000ULL + number);
  row.fields.Set(Field::kHierarchyId, 0);
  row.fields.SetText(Field::kPath, "/ballast-demo/" + id);
  row.fields.SetText(Field::kName, id);
  row.fields.SetText(Field::kRuntime, "runc");
  row.fields.Set(Field::kCpuUsageNs, 0);
  row.fields.Set(Field::kCpuThrottledNs, 0);
  row.fields.Set(Field::kCpuQuotaNs, 100'000'000);
  row.fields.Set(Field::kCpuPeriodNs, 100'000'000);
  row.fields.Set(Field::kMemoryUsageBytes, 185ULL << 20);
  row.fields.Set(Field::kMemoryMaxBytes, 512ULL << 20);
  row.fields.SetHistogram(Field::kRunQueueWait, {});
  return row;
}

Record SyntheticHost::Key() {
  return Make(NextHeader(), state_.ToKey());
}

void SyntheticHost::Work(EntityRow& row, const model::Entity& entity) {
  const auto add = [&](Field field, std::uint64_t by) {
    row.fields.Set(field, entity.fields.Get(field).value_or(0) + by);
  };
  const auto tick_ns = static_cast<std::uint64_t>(options_.tick.count());
  const std::uint64_t quota = entity.fields.Get(Field::kCpuQuotaNs).value_or(tick_ns);
  const std::uint64_t wanted = random_() % (2 * tick_ns);
  add(Field::kCpuUsageNs, std::min(wanted, quota));
  if (wanted > quota) add(Field::kCpuThrottledNs, wanted - quota);
  row.fields.Set(Field::kMemoryUsageBytes, (185ULL << 20) + random_() % (256ULL << 20));
  model::Histogram waits;
  if (const auto* before = entity.fields.FindHistogram(Field::kRunQueueWait)) waits = *before;
  waits.counts[random_() % 12] += 1;
  waits.sum_ns += random_() % 1'000'000;
  row.fields.SetHistogram(Field::kRunQueueWait, waits);
}

Record SyntheticHost::NextTick() {
  now_ += options_.tick;
  model::Tick tick;
  for (const auto& [ref, entity] : state_.entities()) {
    if (!model::IsWorkload(entity.kind)) continue;
    EntityRow row{ref, std::nullopt, std::nullopt, {}, {}};
    if (std::uniform_real_distribution<>()(random_) < options_.active_share) Work(row, entity);
    if (!row.fields.empty()) tick.rows.push_back(std::move(row));
  }
  for (EntityRow& row : pending_) tick.rows.push_back(std::move(row));
  pending_.clear();
  return Make(NextHeader(), std::move(tick));
}

std::vector<Record> SyntheticHost::Run(int ticks) {
  std::vector<Record> records{Key()};
  for (int i = 1; i <= ticks; ++i) {
    records.push_back(NextTick());
    const auto alive = workloads();
    if (i % 10 == 0 && !alive.empty())
      records.push_back(ThrottleBegin(alive[random_() % alive.size()]));
    if (i % 25 == 0) records.push_back(Birth());
    if (i % 40 == 0 && alive.size() > 1) records.push_back(Death(alive.front()));
    if (i % options_.ticks_per_key == 0) records.push_back(Key());
  }
  return records;
}

Record SyntheticHost::Birth() {
  EntityRow row = NewWorkload();
  const EntityRef ref = row.ref;
  const auto key = model::KeyOf(row.fields);
  return Make(NextHeader(),
              model::Event{model::EventKind::kWorkloadBorn, ref, key, {}, {std::move(row)}});
}

Record SyntheticHost::Death(EntityRef ref) {
  EntityRow last{ref, std::nullopt, std::nullopt, {}, {}};
  last.fields.Set(Field::kCpuUsageNs,
                  state_.Find(ref)->fields.Get(Field::kCpuUsageNs).value_or(0) + 1);
  const auto key = model::KeyOf(state_.Find(ref)->fields);
  return Make(NextHeader(),
              model::Event{model::EventKind::kWorkloadDied, ref, key, {}, {std::move(last)}});
}

Record SyntheticHost::ThrottleBegin(EntityRef ref) {
  model::Event event{
      model::EventKind::kThrottleBegin, ref, model::KeyOf(state_.Find(ref)->fields), {}, {}};
  event.fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(now_.count()));
  return Make(NextHeader(), std::move(event));
}

Record SyntheticHost::MemoryLimit(EntityRef ref) {
  model::Event event{
      model::EventKind::kMemoryLimit, ref, model::KeyOf(state_.Find(ref)->fields), {}, {}};
  event.fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(now_.count()));
  return Make(NextHeader(), std::move(event));
}

void SyntheticHost::Set(EntityRef ref, Field field, std::uint64_t value) {
  EntityRow row{ref, std::nullopt, std::nullopt, {}, {}};
  row.fields.Set(field, value);
  pending_.push_back(std::move(row));
}

}  // namespace ballast::test

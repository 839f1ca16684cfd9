#pragma once

// A host written as a story: what each workload uses from tick to tick, as the
// records a collector would make of it. And an actuator that obeys and remembers.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autoscaler/actuate/actuator.h"
#include "collector/model/record.h"

namespace ballast::test {

inline constexpr std::int64_t kMiB = 1 << 20;

class HostScript {
 public:
  HostScript() {
    header_ = {.host = "h",
               .boot_id = "b",
               .incarnation = 1,
               .sequence = 0,
               .at = std::chrono::hours(1),
               .wall_offset = {}};
    host_.Set(model::Field::kCpusOnline, 4);
    host_.Set(model::Field::kMemoryAvailableBytes, 4096 * kMiB);
  }

  // A container at /agents/<name>: no limits, nothing used.
  model::WorkloadKey Add(const std::string& name, const std::string& parent = "/agents/") {
    const auto number = static_cast<std::uint32_t>(workloads_.size() + 1);
    model::FieldSet fields;
    fields.Set(model::Field::kCgroupId, 1000 + number);
    fields.Set(model::Field::kHierarchyId, 0);
    fields.SetText(model::Field::kPath, parent + name);
    fields.SetText(model::Field::kName, name);
    fields.Set(model::Field::kCpuUsageNs, 0);
    fields.Set(model::Field::kMemoryUsageBytes, 10 * kMiB);
    fields.Set(model::Field::kCpuPeriodNs, 100'000'000);
    fields.Set(model::Field::kCpuQuotaNs, model::kUnlimited);
    fields.Set(model::Field::kMemoryMaxBytes, model::kUnlimited);
    workloads_.emplace_back(model::EntityRef{number}, fields);
    return {1000 + number, 0};
  }
  model::FieldSet& Fields(const model::WorkloadKey& key) {
    return workloads_.at(key.cgroup_id - 1001).second;
  }
  model::FieldSet& host() { return host_; }
  void CpuLimit(const model::WorkloadKey& key, std::uint64_t millicores) {
    Fields(key).Set(model::Field::kCpuQuotaNs, millicores * 100'000);
  }
  // From now on it uses so much CPU in every tick.
  void Uses(const model::WorkloadKey& key, std::uint64_t millicores) { rates_[key] = millicores; }

  model::Record Key() {
    model::Key key;
    key.entities.push_back({model::kHostRef, model::EntityKind::kHost, {}, host_, {}});
    for (const auto& [ref, fields] : workloads_)
      key.entities.push_back({ref, model::EntityKind::kContainer, {}, fields, {}});
    return {Next(), key};
  }
  // 100 ms later.
  model::Record Tick() {
    header_.at += std::chrono::milliseconds(100);
    model::Tick tick;
    tick.rows.push_back({model::kHostRef, {}, {}, host_, {}});
    for (auto& [ref, fields] : workloads_) {
      const model::WorkloadKey key{*fields.Get(model::Field::kCgroupId), 0};
      fields.Set(model::Field::kCpuUsageNs,
                 *fields.Get(model::Field::kCpuUsageNs) + rates_[key] * 100'000);
      // Ticks carry numbers; names go with the birth and the keys.
      model::EntityRow row{ref, {}, {}, {}, {}};
      fields.ForEachNumber(
          [&](model::Field field, std::uint64_t value) { row.fields.Set(field, value); });
      tick.rows.push_back(std::move(row));
    }
    return {Next(), tick};
  }
  model::Record Refused(const model::WorkloadKey& key, model::EventKind kind) {
    header_.at += std::chrono::milliseconds(1);
    model::Event event;
    event.kind = kind;
    event.subject = workloads_.at(key.cgroup_id - 1001).first;
    event.key = key;
    event.fields.Set(model::Field::kEventTimeNs, static_cast<std::uint64_t>(header_.at.count()));
    return {Next(), event};
  }
  model::Record Died(const model::WorkloadKey& key) {
    model::Event event;
    event.kind = model::EventKind::kWorkloadDied;
    event.subject = workloads_.at(key.cgroup_id - 1001).first;
    event.key = key;
    return {Next(), event};
  }
  // The collector is started again: another incarnation, sequence from 1.
  void RestartCollector() {
    header_.incarnation += 1;
    header_.sequence = 0;
  }
  BootTime now() const { return header_.at; }
  void Advance(std::chrono::nanoseconds by) { header_.at += by; }

 private:
  model::RecordHeader Next() {
    ++header_.sequence;
    return header_;
  }

  model::RecordHeader header_;
  model::FieldSet host_;
  std::vector<std::pair<model::EntityRef, model::FieldSet>> workloads_;
  std::map<model::WorkloadKey, std::uint64_t> rates_;
};

// Obeys at once; answers what it was told to answer.
class ObedientActuator final : public actuate::Actuator {
 public:
  struct Call {
    std::string path;
    actuate::Resource resource;
    std::int64_t amount;
  };

  std::vector<actuate::Adoption> Adopt(const std::vector<actuate::Group>& groups) override {
    std::vector<actuate::Adoption> adoptions;
    for (const actuate::Group& group : groups) {
      adopted.push_back(group.path);
      adoptions.push_back({group, adopt_error, original_memory});
    }
    return adoptions;
  }
  void Forget(const model::WorkloadKey& key) override { forgotten.push_back(key); }
  actuate::Actuation Set(const actuate::Group& group, actuate::Resource resource,
                         std::int64_t amount) override {
    const bool standing = resource == actuate::Resource::kMemoryWait ||
                          resource == actuate::Resource::kMemoryGuarantee;
    if (!standing) calls.push_back({group.path, resource, amount});
    if (resource == actuate::Resource::kMemoryWait) waits.push_back(amount);
    actuate::Actuation done;
    if (group.path == gone) {
      done.outcome = actuate::Outcome::kGone;
      done.error = "gone";
      return done;
    }
    if (resource == actuate::Resource::kFreeze) {
      if (refuse_freeze && amount != 0) {
        calls.pop_back();
        done.outcome = actuate::Outcome::kRefused;
        done.error = "no freezer";
        return done;
      }
      const bool changes = (amount != 0) != frozen.contains(group.path);
      if (answer == actuate::Outcome::kApplied && changes && amount != 0) frozen.insert(group.path);
      if (answer == actuate::Outcome::kApplied && amount == 0) frozen.erase(group.path);
      if (!changes) {
        calls.pop_back();
        done.outcome = actuate::Outcome::kUnchanged;
        return done;
      }
    }
    done.outcome = answer;
    done.file = "/cg" + group.path;
    done.written_at = now;
    done.in_force = answer == actuate::Outcome::kForeign ? foreign_value : amount;
    if (answer != actuate::Outcome::kApplied) done.error = "told to";
    return done;
  }

  actuate::Outcome answer = actuate::Outcome::kApplied;
  std::optional<std::int64_t> foreign_value;
  std::string gone;  // path of a group that is no more
  std::optional<Error> adopt_error;
  std::optional<std::int64_t> original_memory;
  BootTime now{};
  std::vector<Call> calls;
  std::vector<std::int64_t> waits;
  std::set<std::string> frozen;
  bool refuse_freeze = false;
  std::vector<std::string> adopted;
  std::vector<model::WorkloadKey> forgotten;
};

}  // namespace ballast::test

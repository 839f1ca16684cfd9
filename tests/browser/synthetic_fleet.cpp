#include "tests/browser/synthetic_fleet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "collector/model/state.h"

namespace ballast::test {

using model::EntityKind;
using model::EntityRef;
using model::EntityRow;
using model::Field;
using model::FieldSet;

namespace {

constexpr std::array kPrograms = {"pytest",      "npm install", "cargo build", "git clone",
                                  "pip install", "node",        "tsc",         "make"};
constexpr std::uint64_t kPeriodNs = 100'000'000;
constexpr double kCpus = 128;

void Add(FieldSet& fields, Field field, double by) {
  fields.Set(field, fields.Get(field).value_or(0) + static_cast<std::uint64_t>(std::max(0.0, by)));
}

void AddTo(FieldSet& fields, Field field, int bucket, std::uint64_t count, double sum_ns) {
  model::Histogram histogram;
  if (const auto* before = fields.FindHistogram(field)) histogram = *before;
  histogram.counts[static_cast<std::size_t>(std::clamp(bucket, 0, 27))] += count;
  histogram.sum_ns += static_cast<std::uint64_t>(sum_ns);
  fields.SetHistogram(field, histogram);
}

EntityRow RowOf(EntityRef ref, const FieldSet& fields) {
  return {ref, std::nullopt, std::nullopt, fields, {}};
}

}  // namespace

SyntheticFleet::SyntheticFleet(std::uint32_t workloads, std::uint64_t seed) : random_(seed) {
  host_.Set(Field::kCpusOnline, static_cast<std::uint64_t>(kCpus));
  host_.Set(Field::kMemoryTotalBytes, 256ULL << 30);
  host_.Set(Field::kCpuUsageNs, 0);
  host_.Set(Field::kPressureCpuSomeNs, 0);
  host_.Set(Field::kPressureMemorySomeNs, 0);
  host_.Set(Field::kPressureIoSomeNs, 0);
  agents_.reserve(workloads);
  for (std::uint32_t i = 1; i <= workloads; ++i) MakeAgent(i);
}

void SyntheticFleet::MakeAgent(std::uint32_t number) {
  Agent agent;
  agent.ref = NextRef();
  const bool is_vm = number % 12 == 0, is_slice = number % 25 == 0;
  agent.kind = is_slice ? EntityKind::kSlice : is_vm ? EntityKind::kVm : EntityKind::kContainer;
  const std::string name = (is_slice ? "unit-"
                            : is_vm  ? "sandbox-"
                                     : "agent-") +
                           std::to_string(number);
  FieldSet& fields = agent.fields;
  fields.SetText(Field::kName, name);
  fields.SetText(Field::kRuntime, is_slice ? "systemd" : is_vm ? "firecracker" : "containerd");
  fields.SetText(Field::kPath, (is_slice ? "/system.slice/"
                                : is_vm  ? "/machine.slice/"
                                         : "/kubepods/burstable/") +
                                   name);
  fields.Set(Field::kCgroupId, 5000ULL + number);
  fields.Set(Field::kHierarchyId, 0);
  fields.Set(Field::kBootRelativeStartNs, 1'000'000'000ULL * number);
  agent.limit_cores = 0.5 + static_cast<double>(number % 4) * 0.5;
  agent.memory = 120e6 + Random() * 300e6;
  for (const Field field :
       {Field::kCpuUsageNs, Field::kCpuThrottledNs, Field::kPressureCpuSomeNs,
        Field::kPressureMemorySomeNs, Field::kPressureIoSomeNs, Field::kOomKills})
    fields.Set(field, 0);
  fields.Set(Field::kCpuPeriodNs, kPeriodNs);
  fields.Set(Field::kCpuQuotaNs, is_slice
                                     ? model::kUnlimited
                                     : static_cast<std::uint64_t>(agent.limit_cores * kPeriodNs));
  fields.Set(Field::kMemoryMaxBytes,
             is_slice ? model::kUnlimited : static_cast<std::uint64_t>(agent.limit_memory));
  fields.SetHistogram(Field::kRunQueueWait, {});
  agent.device = NextRef();
  agent.device_fields.SetText(Field::kDevice, "259:0");
  agent.device_fields.SetText(Field::kName, "nvme0n1");
  for (const Field field :
       {Field::kIoReadBytes, Field::kIoWriteBytes, Field::kIoReads, Field::kIoWrites})
    agent.device_fields.Set(field, 0);
  if (number > 1 && number % 3 != 0) {
    agent.blame = NextRef();
    agent.blame_fields.Set(Field::kHolder,
                           static_cast<std::uint64_t>(
                               agents_[random_() % std::min<std::size_t>(agents_.size(), 14)].ref));
    agent.blame_fields.Set(Field::kBlameWaitNs, 0);
  }
  if (is_vm) MakeVcpus(agent);
  agents_.push_back(std::move(agent));
}

void SyntheticFleet::MakeVcpus(Agent& agent) {
  agent.fields.Set(Field::kVmVcpus, 2);
  agent.fields.Set(Field::kVmMemoryMaxBytes, 2ULL << 30);
  agent.fields.Set(Field::kVmBalloonBytes, 1ULL << 30);
  agent.fields.Set(Field::kVmOverheadNs, 0);
  agent.fields.SetText(Field::kGuestName, std::string(agent.fields.GetText(Field::kName)));
  const auto add = [&](EntityKind kind, FieldSet fields) {
    extra_.push_back({NextRef(), kind, agent.ref, std::move(fields), {}});
  };
  for (std::uint64_t i = 0; i < 2; ++i) {
    FieldSet vcpu;
    vcpu.Set(Field::kVcpuIndex, i);
    for (const Field field : {Field::kVcpuTimeNs, Field::kVcpuStealNs, Field::kVcpuHaltNs})
      vcpu.Set(field, 0);
    add(EntityKind::kVcpu, vcpu);
  }
  for (const char* reason : {"hlt", "io", "ept_violation"}) {
    FieldSet exits;
    exits.SetText(Field::kReason, reason);
    exits.Set(Field::kVmExits, 0);
    add(EntityKind::kExit, exits);
  }
}

model::RecordHeader SyntheticFleet::Header(BootTime now) {
  if (began_ == BootTime{}) began_ = now;
  const SystemClock clock;
  return {.host = "synthetic",
          .boot_id = "00000000-0000-4000-8000-000000000002",
          .incarnation = static_cast<std::uint64_t>(began_.count()),
          .sequence = ++sequence_,
          .at = now,
          .wall_offset = clock.Wall() - clock.Now()};
}

model::Record SyntheticFleet::Key(BootTime now) {
  model::Key key{{{model::kHostRef, EntityKind::kHost, std::nullopt, host_, {}}},
                 model::KnownFieldNames()};
  for (const Agent& agent : agents_) {
    key.entities.push_back({agent.ref, agent.kind, std::nullopt, agent.fields, {}});
    key.entities.push_back({agent.device, EntityKind::kDevice, agent.ref, agent.device_fields, {}});
    if (agent.blame != model::kHostRef)
      key.entities.push_back({agent.blame, EntityKind::kBlame, agent.ref, agent.blame_fields, {}});
  }
  for (const EntityRow& row : extra_) key.entities.push_back(row);
  std::ranges::sort(key.entities, {}, &EntityRow::ref);
  at_ = now;
  return {Header(now), std::move(key)};
}

void SyntheticFleet::Wait(Agent& agent, double share_waited, double seconds) {
  if (share_waited <= 0.001) {
    if (Random() < 0.3)
      AddTo(agent.fields, Field::kRunQueueWait, 2 + static_cast<int>(Random() * 4),
            1 + random_() % 3, 8e3);
    return;
  }
  const int bucket = 8 + static_cast<int>(4 * share_waited + 3 * Random());
  AddTo(agent.fields, Field::kRunQueueWait, bucket, 2 + random_() % 12,
        share_waited * seconds * 1e9);
  AddTo(agent.fields, Field::kRunQueueWait, bucket - 4, 20 + random_() % 40, 1e6);
  Add(agent.blame_fields, Field::kBlameWaitNs, share_waited * seconds * 1e9);
}

model::Event SyntheticFleet::ToolCall(const Agent& agent, BootTime now) const {
  model::Event event{model::EventKind::kToolCall, agent.ref, model::KeyOf(agent.fields), {}, {}};
  event.fields.SetText(Field::kProgram, kPrograms[agent.span % kPrograms.size()]);
  event.fields.Set(Field::kSpanId, agent.span);
  event.fields.Set(Field::kDurationNs,
                   static_cast<std::uint64_t>((now - agent.burst_began).count()));
  event.fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(now.count()));
  event.fields.Set(Field::kExitCode, agent.span % 7 == 0 ? 256 : 0);
  event.fields.Set(Field::kResidentPeakBytes, static_cast<std::uint64_t>(agent.burst_memory));
  event.fields.Set(Field::kCpuUsageNs, static_cast<std::uint64_t>(agent.burst_cores * 1e9));
  return event;
}

model::Event SyntheticFleet::Decision(Agent& agent, bool is_raise) {
  const double before = agent.limit_cores;
  agent.limit_cores = is_raise ? std::min(4.0, before * 1.6) : std::max(0.5, before * 0.8);
  const double memory_before = agent.limit_memory;
  agent.limit_memory =
      is_raise ? std::min(6e9, memory_before * 1.5) : std::max(5e8, memory_before * 0.85);
  agent.fields.Set(Field::kCpuQuotaNs, static_cast<std::uint64_t>(agent.limit_cores * kPeriodNs));
  agent.fields.Set(Field::kMemoryMaxBytes, static_cast<std::uint64_t>(agent.limit_memory));
  const auto millicores = [](double cores) { return static_cast<std::uint64_t>(cores * 1000); };
  model::Event event{model::EventKind::kDecision, agent.ref, model::KeyOf(agent.fields), {}, {}};
  FieldSet row;
  row.Set(Field::kDecisionId, ++decisions_);
  row.SetText(Field::kMode, "auto");
  row.SetText(Field::kOutcome, "applied; applied");
  row.SetText(Field::kBinding, is_raise ? "water_level; demand" : "demand; demand");
  row.SetText(Field::kReason,
              is_raise ? "water_level; grow at once" : "demand; shrink step: 430m of 860m");
  row.SetText(Field::kTrigger, is_raise ? "throttle_begin" : "tick");
  row.Set(Field::kDemandCpuMillicores, millicores(agent.cores * 1.2));
  row.Set(Field::kAllocatedCpuMillicores, millicores(agent.limit_cores));
  row.Set(Field::kLimitCpuMillicores, millicores(agent.limit_cores));
  row.Set(Field::kPreviousCpuMillicores, millicores(before));
  row.Set(Field::kGuaranteeCpuMillicores, 100);
  row.Set(Field::kCeilingCpuMillicores, 4000);
  row.Set(Field::kDemandMemoryBytes, static_cast<std::uint64_t>(agent.memory * 1.2));
  row.Set(Field::kAllocatedMemoryBytes, static_cast<std::uint64_t>(agent.limit_memory));
  row.Set(Field::kLimitMemoryBytes, static_cast<std::uint64_t>(agent.limit_memory));
  row.Set(Field::kPreviousMemoryBytes, static_cast<std::uint64_t>(memory_before));
  row.SetReal(Field::kWeight, 1.0);
  event.fields.Set(Field::kDecisionId, decisions_);
  event.fields.SetText(Field::kMode, "auto");
  event.fields.SetText(Field::kTrigger, is_raise ? "throttle_begin" : "tick");
  event.fields.Set(Field::kCapacityCpuMillicores, millicores(kCpus * 0.9));
  event.fields.Set(Field::kCapacityMemoryBytes, 230ULL << 30);
  event.fields.SetReal(Field::kWaterLevelCpu, 812.5);
  event.fields.SetReal(Field::kShadowPriceCpu, is_raise ? 0.4 : 0.0);
  event.fields.SetText(Field::kText, std::string(agent.fields.GetText(Field::kName)) +
                                         (is_raise ? ": cpu raised (water_level; grow at once)"
                                                   : ": cpu lowered (demand; shrink step)"));
  event.rows.push_back(RowOf(agent.ref, row));
  event.rows.back().fields.Set(Field::kCgroupId, agent.fields.Get(Field::kCgroupId).value_or(0));
  event.rows.back().fields.Set(Field::kHierarchyId, 0);
  agent.fields.Merge(row);
  return event;
}

void SyntheticFleet::Work(Agent& agent, double seconds, BootTime now,
                          std::vector<model::Event>& events) {
  const bool is_busy = static_cast<std::uint32_t>(agent.ref) % 10 == 1;
  if (agent.burst_left <= 0 && Random() < seconds * (is_busy ? 0.08 : 0.012)) {
    agent.burst_left = 1 + Random() * 6;
    agent.burst_cores = 0.3 + Random() * 2.2;
    agent.burst_memory = agent.memory + Random() * 1.6e9;
    agent.burst_began = now;
    agent.span = ++spans_;
    if (Random() < 0.25) events.push_back(Decision(agent, true));
  } else if (agent.burst_left > 0 && (agent.burst_left -= seconds) <= 0) {
    events.push_back(ToolCall(agent, now));
    if (Random() < 0.2) events.push_back(Decision(agent, false));
  }
  const bool bursts = agent.burst_left > 0;
  const double wanted =
      bursts ? agent.burst_cores * (0.8 + 0.4 * Random()) : 0.01 + 0.03 * Random();
  const double limit = agent.kind == EntityKind::kSlice ? kCpus : agent.limit_cores;
  agent.cores = std::min(wanted, limit);
  agent.memory += ((bursts ? agent.burst_memory : 190e6) - agent.memory) *
                  std::min(1.0, (bursts ? 1.5 : 0.8) * seconds);
  agent.memory = std::min(agent.memory, agent.limit_memory * 0.99);
  Add(agent.fields, Field::kCpuUsageNs, agent.cores * seconds * 1e9);
  Add(host_, Field::kCpuUsageNs, agent.cores * seconds * 1e9);
  agent.fields.Set(Field::kMemoryUsageBytes, static_cast<std::uint64_t>(agent.memory));
  agent.fields.Set(Field::kMemoryAnonBytes, static_cast<std::uint64_t>(agent.memory * 0.7));
  agent.fields.Set(Field::kMemoryFileBytes, static_cast<std::uint64_t>(agent.memory * 0.25));
  const double peak = std::min(agent.cores * (1.0 + Random()), limit * 1.5);
  agent.fields.Set(Field::kCpuPeak100msNs, static_cast<std::uint64_t>(peak * 1e8));
  agent.fields.Set(Field::kCpuPeak10msNs, static_cast<std::uint64_t>(peak * (1 + Random()) * 1e7));
  Add(agent.fields, Field::kPreemptedBySelf, 40 * agent.cores * Random() * seconds);
  Add(agent.fields, Field::kPreemptedByOther, bursts ? 90 * Random() * seconds : 0);
  Add(agent.fields, Field::kPreemptedBySystem, 8 * Random() * seconds);
  if (wanted > limit)
    Add(agent.fields, Field::kCpuThrottledNs, (wanted - limit) / wanted * seconds * 1e9);
  const double waited = bursts ? 0.3 * Random() * Random() : 0;
  Wait(agent, waited, seconds);
  Add(agent.fields, Field::kPressureCpuSomeNs, waited * seconds * 1e9);
  if (agent.memory > agent.limit_memory * 0.9)
    Add(agent.fields, Field::kPressureMemorySomeNs, 0.2 * Random() * seconds * 1e9);
  if (!bursts) return;
  Add(agent.fields, Field::kPressureIoSomeNs, 0.1 * Random() * seconds * 1e9);
  Add(agent.device_fields, Field::kIoReadBytes, 4e6 * Random());
  Add(agent.device_fields, Field::kIoWriteBytes, 9e6 * Random());
  AddTo(agent.device_fields, Field::kIoReadLatency, 6 + static_cast<int>(5 * Random()),
        1 + random_() % 30, 2e6);
  AddTo(agent.device_fields, Field::kIoWriteLatency, 8 + static_cast<int>(6 * Random()),
        1 + random_() % 20, 5e6);
}

std::vector<model::Record> SyntheticFleet::Tick(BootTime now) {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  at_ = now;
  std::vector<model::Event> events;
  model::Tick tick;
  double memory = 30e9, cores = 0;
  for (Agent& agent : agents_) {
    Work(agent, seconds, now, events);
    memory += agent.memory;
    cores += agent.cores;
    tick.rows.push_back(RowOf(agent.ref, agent.fields));
    // Texts and decisions are known already; a tick repeats only what is measured.
    tick.rows.push_back(RowOf(agent.device, agent.device_fields));
    if (agent.blame != model::kHostRef) tick.rows.push_back(RowOf(agent.blame, agent.blame_fields));
  }
  for (EntityRow& row : extra_) {
    const double share = 0.1 + 0.2 * Random();
    if (row.fields.Has(Field::kVcpuTimeNs)) {
      Add(row.fields, Field::kVcpuTimeNs, share * seconds * 1e9);
      Add(row.fields, Field::kVcpuStealNs, share * 0.1 * seconds * 1e9);
      Add(row.fields, Field::kVcpuHaltNs, (1 - share) * seconds * 1e9);
    } else {
      Add(row.fields, Field::kVmExits, 300 * Random());
    }
    tick.rows.push_back(RowOf(row.ref, row.fields));
  }
  const double crowding = std::clamp(cores / kCpus - 0.6, 0.0, 1.0);
  Add(host_, Field::kPressureCpuSomeNs, crowding * seconds * 1e9);
  Add(host_, Field::kPressureIoSomeNs, 0.05 * Random() * seconds * 1e9);
  host_.Set(Field::kMemoryAvailableBytes,
            (256ULL << 30) - static_cast<std::uint64_t>(std::min(memory, 250e9)));
  tick.rows.push_back(RowOf(model::kHostRef, host_));
  std::vector<model::Record> records{{Header(now), std::move(tick)}};
  for (model::Event& event : events) records.push_back({Header(now), std::move(event)});
  return records;
}

}  // namespace ballast::test

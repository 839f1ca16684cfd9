#include "collector/serve/record_json.h"

namespace ballast::serve {

using model::Field;
using model::FieldSet;
using model::FieldType;

namespace {

void WriteLimit(JsonWriter& json, std::string_view key, std::optional<std::uint64_t> value) {
  if (!value) return;
  json.Key(key);
  *value == model::kUnlimited ? json.Text("max") : json.Number(*value);
}

void WriteReal(JsonWriter& json, std::string_view key, std::optional<double> value) {
  if (value) json.Key(key).Real(*value);
}

void WriteText(JsonWriter& json, std::string_view key, std::string_view value) {
  if (!value.empty()) json.Key(key).Text(value);
}

// Cores, from the quota and its period.
void WriteCpuLimit(JsonWriter& json, std::string_view key, const FieldSet& fields) {
  const auto quota = fields.Get(Field::kCpuQuotaNs);
  const auto period = fields.Get(Field::kCpuPeriodNs);
  if (!quota || !period || *period == 0) return;
  json.Key(key);
  if (*quota == model::kUnlimited)
    json.Text("max");
  else
    json.Real(static_cast<double>(*quota) / static_cast<double>(*period));
}

void WriteHistogram(JsonWriter& json, const model::Histogram& histogram) {
  json.BeginObject().Key("sum_ns").Number(histogram.sum_ns).Key("counts").BeginArray();
  std::size_t end = histogram.counts.size();
  while (end > 0 && histogram.counts[end - 1] == 0) --end;
  for (std::size_t i = 0; i < end; ++i) json.Number(histogram.counts[i]);
  json.EndArray().EndObject();
}

bool HasDecision(const FieldSet& fields) {
  return fields.Has(Field::kDecisionId) || !fields.GetText(Field::kOutcome).empty();
}

// The decision's own fields, which a workload's state keeps; field.h numbers them in one block.
void WriteDecision(JsonWriter& json, const FieldSet& fields) {
  json.Key("decision").BeginObject();
  for (const Field field : {Field::kMode, Field::kOutcome, Field::kBinding, Field::kReason,
                            Field::kTrigger, Field::kError})
    WriteText(json, InfoOf(field).name, fields.GetText(field));
  for (const Field field :
       {Field::kDecisionId, Field::kDemandCpuMillicores, Field::kDemandMemoryBytes,
        Field::kAllocatedCpuMillicores, Field::kAllocatedMemoryBytes, Field::kLimitCpuMillicores,
        Field::kLimitMemoryBytes, Field::kPreviousCpuMillicores, Field::kPreviousMemoryBytes,
        Field::kGuaranteeCpuMillicores, Field::kGuaranteeMemoryBytes, Field::kCeilingCpuMillicores,
        Field::kCeilingMemoryBytes})
    WriteLimit(json, InfoOf(field).name, fields.Get(field));
  for (const Field field : {Field::kWeight, Field::kWaterLevelCpu, Field::kWaterLevelMemory})
    WriteReal(json, InfoOf(field).name, fields.GetReal(field));
  json.EndObject();
}

void WriteWho(JsonWriter& json, model::EntityRef ref, const model::State& state) {
  json.Key("ref").Number(static_cast<std::uint64_t>(ref));
  const model::Entity* entity = state.Find(ref);
  if (entity == nullptr) return;
  json.Key("name").Text(ref == model::kHostRef ? "host" : DisplayName(entity->fields));
  WriteText(json, "path", entity->fields.GetText(Field::kPath));
}

}  // namespace

std::string DisplayName(const FieldSet& fields) {
  for (const Field field : {Field::kName, Field::kGuestName, Field::kContainer})
    if (const auto name = fields.GetText(field); !name.empty()) return std::string(name);
  const std::string_view path = fields.GetText(Field::kPath);
  return std::string(path.substr(path.find_last_of('/') + 1));
}

bool IsNamed(const model::Entity& entity, std::string_view name) {
  return DisplayName(entity.fields) == name || entity.fields.GetText(Field::kPath) == name ||
         entity.fields.GetText(Field::kContainerId) == name;
}

void WriteFields(JsonWriter& json, const FieldSet& fields) {
  json.BeginObject();
  fields.ForEachNumber([&](Field field, std::uint64_t value) {
    const model::FieldInfo* info = model::FindField(static_cast<std::uint32_t>(field));
    if (info == nullptr) return;
    json.Key(info->name);
    if (info->type == FieldType::kReal)
      json.Real(std::bit_cast<double>(value));
    else if (value == model::kUnlimited && info->type != FieldType::kCounter)
      json.Text("max");
    else
      json.Number(value);
  });
  for (const auto& [field, histogram] : fields.histograms())
    WriteHistogram(json.Key(InfoOf(field).name), histogram);
  for (const auto& [field, text] : fields.texts()) json.Key(InfoOf(field).name).Text(text);
  json.EndObject();
}

// Who it is: what both forms of a workload begin with.
static void BeginWorkload(JsonWriter& json, model::EntityRef ref, const model::Entity& entity) {
  json.BeginObject()
      .Key("ref")
      .Number(static_cast<std::uint64_t>(ref))
      .Key("kind")
      .Text(NameOf(entity.kind));
  json.Key("name").Text(DisplayName(entity.fields));
  WriteText(json, "path", entity.fields.GetText(Field::kPath));
}

void WriteWorkload(JsonWriter& json, model::EntityRef ref, const model::Entity& entity,
                   const RateWindow::Rates& rates) {
  const FieldSet& fields = entity.fields;
  BeginWorkload(json, ref, entity);
  json.Key("rates").BeginObject();
  WriteReal(json, "cpu_cores", rates.cpu_cores);
  WriteReal(json, "throttled_share", rates.throttled_share);
  WriteReal(json, "throttled_periods_share", rates.throttled_periods_share);
  WriteReal(json, "run_queue_wait_p50_ns", rates.run_queue_wait_p50_ns);
  WriteReal(json, "run_queue_wait_p99_ns", rates.run_queue_wait_p99_ns);
  json.EndObject().Key("limits").BeginObject();
  WriteCpuLimit(json, "cpu_cores", fields);
  WriteLimit(json, "cpu_weight", fields.Get(Field::kCpuWeight));
  WriteLimit(json, "memory_high_bytes", fields.Get(Field::kMemoryHighBytes));
  WriteLimit(json, "memory_max_bytes", fields.Get(Field::kMemoryMaxBytes));
  json.EndObject();
  if (HasDecision(fields)) WriteDecision(json, fields);
  WriteFields(json.Key("fields"), fields);
  json.EndObject();
}

void WriteWorkloadRow(JsonWriter& json, model::EntityRef ref, const model::Entity& entity,
                      const RateWindow::Rates& rates, const History& history) {
  const FieldSet& fields = entity.fields;
  BeginWorkload(json, ref, entity);
  for (const Field field : {Field::kRuntime, Field::kAgent, Field::kPod, Field::kNamespace})
    WriteText(json, InfoOf(field).name, fields.GetText(field));
  WriteReal(json, "cpu_cores", rates.cpu_cores);
  WriteCpuLimit(json, "cpu_limit_cores", fields);
  WriteReal(json, "throttled_share", rates.throttled_share);
  WriteReal(json, "run_queue_wait_p99_ns", rates.run_queue_wait_p99_ns);
  WriteLimit(json, "memory_bytes", fields.Get(Field::kMemoryUsageBytes));
  WriteLimit(json, "memory_limit_bytes", fields.Get(Field::kMemoryMaxBytes));
  WriteLimit(json, "memory_high_bytes", fields.Get(Field::kMemoryHighBytes));
  WriteLimit(json, "oom_kills", fields.Get(Field::kOomKills));
  // Of the last second.
  for (const std::size_t series :
       {SeriesAt("pressure_cpu_share"), SeriesAt("pressure_memory_share"),
        SeriesAt("pressure_io_share"), SeriesAt("io_read_bytes_per_second"),
        SeriesAt("io_write_bytes_per_second"), SeriesAt("vcpu_steal_share")})
    WriteReal(json, kSeries[series].name, history.Latest(ref, series));
  for (const Field field :
       {Field::kVmVcpus, Field::kVmResidentBytes, Field::kVmBalloonBytes, Field::kVmMemoryMaxBytes})
    WriteLimit(json, InfoOf(field).name, fields.Get(field));
  if (HasDecision(fields)) WriteDecision(json, fields);
  json.EndObject();
}

void WriteEntity(JsonWriter& json, model::EntityRef ref, const model::Entity& entity) {
  json.BeginObject().Key("ref").Number(static_cast<std::uint64_t>(ref));
  json.Key("kind").Text(NameOf(entity.kind));
  json.Key("parent").Number(static_cast<std::uint64_t>(entity.parent));
  WriteFields(json.Key("fields"), entity.fields);
  json.EndObject();
}

void WriteEvent(JsonWriter& json, const model::Record& record, const model::Event& event,
                const model::State& state) {
  const model::RecordHeader& header = record.header;
  json.BeginObject().Key("sequence").Number(header.sequence).Key("kind").Text(NameOf(event.kind));
  json.Key("at_ns")
      .Signed(header.at.count())
      .Key("wall_ns")
      .Signed((header.at + header.wall_offset).count());
  if (event.subject) {
    json.Key("subject").BeginObject();
    WriteWho(json, *event.subject, state);
    json.EndObject();
  }
  WriteFields(json.Key("fields"), event.fields);
  json.Key("rows").BeginArray();
  for (const model::EntityRow& row : event.rows) {
    json.BeginObject();
    WriteWho(json, row.ref, state);
    WriteFields(json.Key("fields"), row.fields);
    json.EndObject();
  }
  json.EndArray().EndObject();
}

}  // namespace ballast::serve

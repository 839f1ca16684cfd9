#include "dashboards/cli/record_json.h"

#include "collector/serve/json_writer.h"
#include "collector/serve/record_json.h"

namespace ballast::cli {
namespace {

using serve::JsonWriter;

void WriteRow(JsonWriter& json, const model::EntityRow& row) {
  json.BeginObject().Key("ref").Number(static_cast<std::uint32_t>(row.ref));
  if (row.kind) json.Key("kind").Text(model::NameOf(*row.kind));
  if (row.parent) json.Key("parent").Number(static_cast<std::uint32_t>(*row.parent));
  serve::WriteFields(json.Key("fields"), row.fields);
  if (!row.cleared.empty()) {
    json.Key("cleared").BeginArray();
    for (const model::Field field : row.cleared) json.Text(model::InfoOf(field).name);
    json.EndArray();
  }
  json.EndObject();
}

void WriteRows(JsonWriter& json, const std::vector<model::EntityRow>& rows) {
  json.Key("rows").BeginArray();
  for (const model::EntityRow& row : rows) WriteRow(json, row);
  json.EndArray();
}

void WriteBody(JsonWriter& json, const model::Tick& tick) {
  json.Key("kind").Text("tick");
  WriteRows(json, tick.rows);
  json.Key("removed").BeginArray();
  for (const model::EntityRef ref : tick.removed) json.Number(static_cast<std::uint32_t>(ref));
  json.EndArray();
}

void WriteBody(JsonWriter& json, const model::Event& event) {
  json.Key("kind").Text("event").Key("event").Text(model::NameOf(event.kind));
  if (event.subject) json.Key("subject").Number(static_cast<std::uint32_t>(*event.subject));
  serve::WriteFields(json.Key("fields"), event.fields);
  WriteRows(json, event.rows);
}

void WriteBody(JsonWriter& json, const model::Key& key) {
  json.Key("kind").Text("key");
  WriteRows(json, key.entities);
}

}  // namespace

std::string ToJsonLine(const model::Record& record) {
  const model::RecordHeader& header = record.header;
  std::string line;
  JsonWriter json(line);
  json.BeginObject().Key("host").Text(header.host).Key("boot_id").Text(header.boot_id);
  json.Key("incarnation").Number(header.incarnation).Key("sequence").Number(header.sequence);
  json.Key("at_ns")
      .Signed(header.at.count())
      .Key("wall_ns")
      .Signed((header.at + header.wall_offset).count());
  std::visit([&](const auto& body) { WriteBody(json, body); }, record.body);
  json.EndObject();
  return line;
}

}  // namespace ballast::cli

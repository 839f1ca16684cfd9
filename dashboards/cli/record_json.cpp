#include "dashboards/cli/record_json.h"

#include <boost/json.hpp>

#include <bit>
#include <cmath>

namespace ballast::cli {
namespace {

namespace json = boost::json;
using model::FieldType;

json::value NumberToJson(model::Field field, std::uint64_t value) {
  const FieldType type = model::InfoOf(field).type;
  if (type == FieldType::kReal) {
    const double real = std::bit_cast<double>(value);
    // JSON has no infinity; a water level that nobody reaches is one.
    if (!std::isfinite(real)) return nullptr;
    return real;
  }
  // Limits and what was decided about them share the mark for "no limit".
  if (value == model::kUnlimited) return "unlimited";
  return value;
}

json::object ToJson(const model::FieldSet& fields) {
  json::object object;
  fields.ForEachNumber([&](model::Field field, std::uint64_t value) {
    object[model::InfoOf(field).name] = NumberToJson(field, value);
  });
  for (const auto& [field, histogram] : fields.histograms()) {
    const json::array counts(histogram.counts.begin(), histogram.counts.end());
    object[model::InfoOf(field).name] = json::object{{"counts", counts}, {"sum_ns", histogram.sum_ns}};
  }
  for (const auto& [field, text] : fields.texts()) object[model::InfoOf(field).name] = text;
  return object;
}

json::object ToJson(const model::EntityRow& row) {
  json::object object{{"ref", static_cast<std::uint32_t>(row.ref)}};
  if (row.kind) object["kind"] = model::NameOf(*row.kind);
  if (row.parent) object["parent"] = static_cast<std::uint32_t>(*row.parent);
  object["fields"] = ToJson(row.fields);
  json::array cleared;
  for (const model::Field field : row.cleared) cleared.emplace_back(model::InfoOf(field).name);
  if (!cleared.empty()) object["cleared"] = std::move(cleared);
  return object;
}

json::array ToJson(const std::vector<model::EntityRow>& rows) {
  json::array array;
  for (const model::EntityRow& row : rows) array.push_back(ToJson(row));
  return array;
}

void AddBody(json::object& line, const model::Tick& tick) {
  line["kind"] = "tick";
  line["rows"] = ToJson(tick.rows);
  json::array removed;
  for (const model::EntityRef ref : tick.removed) removed.push_back(static_cast<std::uint32_t>(ref));
  line["removed"] = std::move(removed);
}

void AddBody(json::object& line, const model::Event& event) {
  line["kind"] = "event";
  line["event"] = model::NameOf(event.kind);
  if (event.subject) line["subject"] = static_cast<std::uint32_t>(*event.subject);
  line["fields"] = ToJson(event.fields);
  line["rows"] = ToJson(event.rows);
}

void AddBody(json::object& line, const model::Key& key) {
  line["kind"] = "key";
  line["rows"] = ToJson(key.entities);
}

}  // namespace

std::string ToJsonLine(const model::Record& record) {
  const model::RecordHeader& header = record.header;
  json::object line{{"host", header.host},
                    {"boot_id", header.boot_id},
                    {"incarnation", header.incarnation},
                    {"sequence", header.sequence},
                    {"at_ns", header.at.count()},
                    {"wall_ns", (header.at + header.wall_offset).count()}};
  std::visit([&](const auto& body) { AddBody(line, body); }, record.body);
  return json::serialize(line);
}

}  // namespace ballast::cli

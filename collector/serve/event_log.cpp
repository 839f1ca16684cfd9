#include "collector/serve/event_log.h"

#include <algorithm>

#include "collector/serve/record_json.h"

namespace ballast::serve {

using model::Field;

const std::string& EventLog::Add(const model::Record& record, const model::Event& event,
                                 const model::State& state) {
  Entry entry{event.kind, {}, {}};
  const auto note = [&](model::EntityRef ref) {
    const model::Entity* entity = state.Find(ref);
    if (entity == nullptr || ref == model::kHostRef) return;
    entry.names.push_back(DisplayName(entity->fields));
    for (const Field field : {Field::kPath, Field::kContainerId})
      if (const auto name = entity->fields.GetText(field); !name.empty())
        entry.names.emplace_back(name);
  };
  if (event.subject) note(*event.subject);
  for (const model::EntityRow& row : event.rows) note(row.ref);
  JsonWriter json(entry.json);
  WriteEvent(json, record, event, state);
  bytes_ += entry.json.size();
  entries_.push_back(std::move(entry));
  while (entries_.size() > 1 &&
         (entries_.size() > options_.max_events || bytes_ > options_.max_bytes)) {
    bytes_ -= entries_.front().json.size();
    entries_.pop_front();
  }
  return entries_.back().json;
}

bool EventLog::Matches(const Entry& entry, const Filter& filter) {
  if (!filter.kinds.empty() && std::ranges::find(filter.kinds, entry.kind) == filter.kinds.end())
    return false;
  return filter.workload.empty() ||
         std::ranges::find(entry.names, filter.workload) != entry.names.end();
}

std::string EventLog::Write(const Filter& filter) const {
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  std::size_t count = 0;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && count < filter.limit; ++entry) {
    if (!Matches(*entry, filter)) continue;
    json.Raw(entry->json);
    ++count;
  }
  json.EndArray();
  return out;
}

}  // namespace ballast::serve

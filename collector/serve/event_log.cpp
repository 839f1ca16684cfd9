#include "collector/serve/event_log.h"

#include <algorithm>

#include "collector/serve/record_json.h"

namespace ballast::serve {

using model::Field;

std::size_t EventLog::ShelfOf(model::EventKind kind) {
  using enum model::EventKind;
  switch (kind) {
    case kDecision:
    case kActuation:
    case kAutoscaler:
    case kMigration:
      return 0;
    case kToolCall:
      return 1;
    case kToolBegin:
      return 2;
    default:
      return 3;
  }
}

const std::string* EventLog::Add(const model::Record& record, const model::Event& event,
                                 const model::State& state) {
  if (!scope_) return &Keep(record, event, state);
  const auto visible = Visible(*scope_, state, event);
  return visible ? &Keep(record, *visible, state) : nullptr;
}

const std::string& EventLog::Keep(const model::Record& record, const model::Event& event,
                                  const model::State& state) {
  Entry entry{++added_, event.kind, {}, {}};
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
  Shelf& shelf = shelves_[ShelfOf(event.kind)];
  shelf.bytes += entry.json.size();
  shelf.entries.push_back(std::move(entry));
  while (shelf.entries.size() > 1 &&
         (shelf.entries.size() > options_.max_events || shelf.bytes > options_.max_bytes)) {
    shelf.bytes -= shelf.entries.front().json.size();
    shelf.entries.pop_front();
  }
  return shelf.entries.back().json;
}

bool EventLog::Matches(const Entry& entry, const Filter& filter) {
  if (!filter.kinds.empty() && std::ranges::find(filter.kinds, entry.kind) == filter.kinds.end())
    return false;
  return filter.workload.empty() ||
         std::ranges::find(entry.names, filter.workload) != entry.names.end();
}

std::string EventLog::Write(const Filter& filter) const {
  // The newest of each shelf that matches, merged by when they came.
  std::vector<const Entry*> found;
  for (const Shelf& shelf : shelves_) {
    std::size_t count = 0;
    for (auto entry = shelf.entries.rbegin(); entry != shelf.entries.rend() && count < filter.limit;
         ++entry) {
      if (!Matches(*entry, filter)) continue;
      found.push_back(&*entry);
      ++count;
    }
  }
  std::ranges::sort(found, std::ranges::greater{}, &Entry::order);
  found.resize(std::min(found.size(), filter.limit));
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  for (const Entry* entry : found) json.Raw(entry->json);
  json.EndArray();
  return out;
}

}  // namespace ballast::serve

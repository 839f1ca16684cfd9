#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/model/state.h"
#include "collector/serve/history.h"
#include "collector/serve/json_writer.h"
#include "collector/serve/rate_window.h"

namespace ballast::serve {

// Pieces of the API's answers. Fields carry their names of the field table, in
// its units; absent fields are absent, a limit that is not set is "max".

// {"cpu_usage_ns": 1, "run_queue_wait": {"sum_ns": 1, "counts": [..]}, ...}
void WriteFields(JsonWriter& json, const model::FieldSet& fields);

// The whole of a workload: identity, fields, rates, limits, last decision.
void WriteWorkload(JsonWriter& json, model::EntityRef ref, const model::Entity& entity,
                   const RateWindow::Rates& rates);
// What a table of many shows: a few hundred bytes.
void WriteWorkloadRow(JsonWriter& json, model::EntityRef ref, const model::Entity& entity,
                      const RateWindow::Rates& rates, const History& history);
// Any entity: a device, a vCPU, a pair of waiter and holder, ...
void WriteEntity(JsonWriter& json, model::EntityRef ref, const model::Entity& entity);

// An event with the names of the workloads it is about, as `state` has them.
void WriteEvent(JsonWriter& json, const model::Record& record, const model::Event& event,
                const model::State& state);

// What people call it: name, else guest name, else the end of its path.
std::string DisplayName(const model::FieldSet& fields);
// Whether people may mean it by that: its name, path or container id.
bool IsNamed(const model::Entity& entity, std::string_view name);

}  // namespace ballast::serve

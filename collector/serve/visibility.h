#pragma once

#include <optional>
#include <string_view>

#include "collector/base/result.h"
#include "collector/export/exposition.h"
#include "collector/model/state.h"

namespace ballast::serve {

// What a tenant may see: its own workloads, what belongs to them and what
// happened to them; of others not even that they exist, of the host its name.
// Pure. A scope that is absent sees everything.

using Scope = std::optional<exposition::Scope>;

// "namespace=red", of the credentials' limits. Labels: namespace, agent, pod,
// container, name, image.
Result<exposition::Scope> ParseScope(std::string_view text);

// A workload inside the scope, or what belongs to one; never the host.
bool MaySee(const Scope& scope, const model::State& state, const model::Entity& entity);
bool MaySee(const Scope& scope, const model::State& state, model::EntityRef ref);

// The event as the scope may see it: without rows of others, without the
// summary, which names them, and without the host's part of a decision.
// nullopt: it is about nobody inside.
std::optional<model::Event> Visible(const exposition::Scope& scope, const model::State& state,
                                    const model::Event& event);

}  // namespace ballast::serve

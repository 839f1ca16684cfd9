#include "collector/serve/visibility.h"

#include <array>
#include <string>
#include <utility>

namespace ballast::serve {

using model::Field;

Result<exposition::Scope> ParseScope(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Field>, 6> kLabels = {
      {{"namespace", Field::kNamespace},
       {"agent", Field::kAgent},
       {"pod", Field::kPod},
       {"container", Field::kContainer},
       {"name", Field::kName},
       {"image", Field::kImage}}};
  const std::size_t equals = text.find('=');
  for (const auto& [label, field] : kLabels)
    if (text.substr(0, equals) == label && equals + 1 < text.size())
      return exposition::Scope{field, std::string(text.substr(equals + 1))};
  std::string what = "'";
  what.append(text).append(
      "' limits nothing; write namespace=, agent=, pod=, container=, name= or image= and a value");
  return Error::Invalid(std::move(what));
}

bool MaySee(const Scope& scope, const model::State& state, const model::Entity& entity) {
  if (!scope) return true;
  if (entity.kind == model::EntityKind::kHost) return false;
  if (model::IsWorkload(entity.kind)) return scope->Includes(entity.fields);
  const model::Entity* parent =
      entity.parent == model::kHostRef ? nullptr : state.Find(entity.parent);
  return parent != nullptr && model::IsWorkload(parent->kind) && scope->Includes(parent->fields);
}

bool MaySee(const Scope& scope, const model::State& state, model::EntityRef ref) {
  const model::Entity* entity = state.Find(ref);
  return entity != nullptr && MaySee(scope, state, *entity);
}

std::optional<model::Event> Visible(const exposition::Scope& scope, const model::State& state,
                                    const model::Event& event) {
  const auto is_inside = [&](model::EntityRef ref) { return MaySee(scope, state, ref); };
  model::Event visible{event.kind, std::nullopt, std::nullopt, {}, {}};
  for (const model::EntityRow& row : event.rows)
    if (is_inside(row.ref)) visible.rows.push_back(row);
  for (model::EntityRow& row : visible.rows) row.fields.Clear(Field::kHolder);
  const bool is_subject = event.subject && is_inside(*event.subject);
  if (!is_subject && visible.rows.empty()) return std::nullopt;
  if (is_subject) visible.subject = event.subject;
  if (event.kind == model::EventKind::kDecision) {
    // The rest is the pools of the host and what was decided about others.
    visible.fields.Set(Field::kDecisionId, event.fields.Get(Field::kDecisionId));
    for (const Field field : {Field::kMode, Field::kTrigger})
      if (const auto text = event.fields.GetText(field); !text.empty())
        visible.fields.SetText(field, text);
  } else if (is_subject) {
    visible.fields = event.fields;
    visible.fields.Clear(Field::kText);
  }
  return visible;
}

}  // namespace ballast::serve

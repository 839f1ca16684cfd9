#include "tests/support/full_state.h"

#include <string>

#include "tests/support/synthetic_records.h"

namespace ballast::test {

using model::EntityKind;
using model::EntityRef;
using model::EntityRow;
using model::Field;

namespace {

constexpr std::uint32_t kFirstChild = 1'000'000;

void Fill(EntityRow& row) {
  for (const model::FieldInfo& info : model::AllFields()) {
    if (row.fields.Has(info.field) || info.type == model::FieldType::kText) continue;
    if (info.type == model::FieldType::kHistogram)
      row.fields.SetHistogram(info.field, {.counts = {1, 2, 3, 4, 5}, .sum_ns = 12345});
    else if (info.type == model::FieldType::kReal)
      row.fields.SetReal(info.field, 1.5);
    else
      row.fields.Set(info.field, 123'456'789);  // a limit of 118 MiB, 0.12 s of CPU
  }
}

EntityRow Child(std::uint32_t number, EntityKind kind, std::uint32_t parent) {
  EntityRow row{EntityRef{kFirstChild + number}, kind, EntityRef{parent}, {}, {}};
  const std::string name = std::string(NameOf(kind)) + std::to_string(number);
  for (const Field field : {Field::kName, Field::kProgram, Field::kReason, Field::kMap})
    row.fields.SetText(field, name);
  row.fields.Set(Field::kHolder, 3 - parent);  // the first two hold each other up
  row.fields.Set(Field::kVcpuIndex, number);
  return row;
}

}  // namespace

model::Key FullKey(int workloads) {
  SyntheticHost host({.workloads = workloads});
  model::Key key = host.state().ToKey();
  key.entities[1].kind = EntityKind::kVm;
  key.entities[1].fields.SetText(Field::kGuestName, "guest-1");
  // As Kubernetes' runtimes name them.
  for (EntityRow& row : key.entities) {
    if (row.kind != EntityKind::kContainer) continue;
    const std::string name(row.fields.GetText(Field::kName));
    row.fields.SetText(Field::kImage, "registry.example/sandbox:1");
    row.fields.SetText(Field::kContainer, name);
    row.fields.SetText(Field::kPod, "pod-" + name);
    row.fields.SetText(Field::kNamespace, "agents");
    row.fields.SetText(Field::kAgent, name);
    row.fields.SetText(Field::kQos, "burstable");
  }
  std::uint32_t number = 0;
  for (const EntityKind kind : {EntityKind::kDevice, EntityKind::kInterface, EntityKind::kTool,
                                EntityKind::kBlame, EntityKind::kVcpu, EntityKind::kExit})
    for (std::uint32_t parent = 1; parent <= 2; ++parent)
      key.entities.push_back(Child(++number, kind, parent));
  key.entities.push_back(Child(++number, EntityKind::kLoss, 0));
  for (EntityRow& row : key.entities) Fill(row);
  return key;
}

model::State FullState(int workloads) {
  model::State state;
  state.Apply({SyntheticHost({.workloads = 1}).state().header(), FullKey(workloads)});
  return state;
}

}  // namespace ballast::test

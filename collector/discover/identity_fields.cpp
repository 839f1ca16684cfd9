#include "collector/discover/identity_fields.h"

#include <string>

namespace ballast::discover {
namespace {

using model::Field;

// Length of the well-formed UTF-8 sequence that `text` begins with; 0: none
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = continues(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = continues(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string CleanText(std::string_view raw) {
  std::string clean;
  while (!raw.empty()) {
    const std::size_t length = SequenceLength(raw);
    if (clean.size() + length > model::kMaxTextBytes) break;
    const bool is_control = length == 1 && (raw[0] < 0x20 || raw[0] == 0x7f);
    if (length == 0 || is_control)
      clean += '?';
    else
      clean += raw.substr(0, length);
    raw.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

model::FieldSet IdentityFields(const Identity& identity, const model::WorkloadKey& key,
                               BootTime start) {
  model::FieldSet fields;
  const auto set_text = [&](Field field, std::string_view text) {
    if (!text.empty()) fields.SetText(field, CleanText(text));
  };
  fields.Set(Field::kBootRelativeStartNs, static_cast<std::uint64_t>(start.count()));
  fields.Set(Field::kCgroupId, key.cgroup_id);
  fields.Set(Field::kHierarchyId, key.hierarchy_id);
  set_text(Field::kPath, identity.path);
  set_text(Field::kRuntime, identity.runtime);
  set_text(Field::kContainerId, identity.container_id);
  set_text(Field::kName, identity.name);
  set_text(Field::kPodUid, identity.pod_uid);
  set_text(Field::kNamespace, identity.name_space);
  set_text(Field::kOuterId, identity.outer_id);
  set_text(Field::kQos, identity.qos);
  if (identity.kind == model::EntityKind::kVm) set_text(Field::kGuestName, identity.name);
  return fields;
}

}  // namespace ballast::discover

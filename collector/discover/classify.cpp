#include "collector/discover/classify.h"

#include <fnmatch.h>

#include <algorithm>
#include <span>

#include "collector/discover/layout_rules.h"

namespace ballast::discover {
namespace {

using Elements = std::span<const std::string_view>;

// Deeper paths than this are cut: PATH_MAX / 64. What lies below belongs to a workload above it.
constexpr std::size_t kMaxElements = 64;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f');
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// systemd.unit(5), "String escaping for inclusion in unit names".
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text.substr(i).starts_with("\\x") && i + 3 < text.size() &&
                         HexValue(text[i + 2]) >= 0 && HexValue(text[i + 3]) >= 0;
    plain +=
        escaped ? static_cast<char>(HexValue(text[i + 2]) * 16 + HexValue(text[i + 3])) : text[i];
    if (escaped) i += 3;
  }
  return plain;
}

bool HasForm(std::string_view id, IdForm form) {
  switch (form) {
    case IdForm::kHex64:
      return id.size() == 64 && std::ranges::all_of(id, IsHex);
    case IdForm::kDigits:
      return !id.empty() && std::ranges::all_of(id, IsDigit);
    case IdForm::kAny:
      return !id.empty();
  }
  return false;
}

bool MatchesPattern(std::string_view text, std::string_view pattern) {
  return ::fnmatch(std::string(pattern).c_str(), std::string(text).c_str(), 0) == 0;
}

bool AboveMatches(Elements elements, std::size_t levels_up, std::string_view pattern) {
  if (pattern.empty()) return true;
  if (elements.size() <= levels_up) return false;
  const std::string_view above = elements[elements.size() - 1 - levels_up];
  return pattern.find('*') == std::string_view::npos ? above == pattern
                                                     : MatchesPattern(above, pattern);
}

// "kubepods-pod1.slice:cri-containerd:<id>" -> "cri-containerd:<id>"
std::string_view WithoutSlice(std::string_view element) {
  const std::size_t colon = element.find(".slice:");
  return colon == std::string_view::npos ? element : element.substr(colon + 7);
}

bool IsSupervisor(std::string_view element) {
  return std::ranges::any_of(kSupervisorPrefixes,
                             [&](std::string_view p) { return element.starts_with(p); });
}

void Understand(std::string_view id, std::string_view element, Says says, Identity& identity) {
  switch (says) {
    case Says::kId:
      identity.container_id = id;
      break;
    case Says::kName:
      identity.name = Unescape(id);
      break;
    case Says::kJob:
      identity.container_id = id;
      identity.name = element;
      break;
    case Says::kMachine: {
      const std::string plain = Unescape(id);
      const std::size_t dash = plain.find('-');
      const bool numbered = dash != std::string::npos &&
                            HasForm(std::string_view(plain).substr(0, dash), IdForm::kDigits);
      identity.name = numbered && dash + 1 < plain.size() ? plain.substr(dash + 1) : plain;
      break;
    }
  }
}

std::optional<Identity> Apply(const LayoutRule& rule, Elements elements) {
  const std::string_view element = WithoutSlice(elements.back());
  if (element.size() < rule.prefix.size() + rule.suffix.size() ||
      !element.starts_with(rule.prefix) || !element.ends_with(rule.suffix))
    return std::nullopt;
  const auto id =
      element.substr(rule.prefix.size(), element.size() - rule.prefix.size() - rule.suffix.size());
  if (!HasForm(id, rule.form) || (rule.depth != 0 && elements.size() != rule.depth) ||
      !AboveMatches(elements, 1, rule.parent) || !AboveMatches(elements, 2, rule.grandparent))
    return std::nullopt;
  Identity identity{.kind = rule.kind, .runtime = std::string(rule.runtime)};
  Understand(id, element, rule.says, identity);
  if (rule.parent_is_namespace) identity.name_space = elements[elements.size() - 2];
  return identity;
}

// The runtime's rules for the last of `elements`.
std::optional<Identity> FindByLayout(Elements elements) {
  if (IsSupervisor(elements.back())) return std::nullopt;
  for (const LayoutRule& rule : kLayoutRules)
    if (auto identity = Apply(rule, elements)) return identity;
  return std::nullopt;
}

bool IsListed(const std::vector<std::string>& folders, std::string_view parent) {
  return std::ranges::any_of(folders, [&](std::string_view folder) {
    while (folder.ends_with('/')) folder.remove_suffix(1);
    return folder == parent;
  });
}

bool IsUnit(std::string_view element) {
  return element.ends_with(".service") || element.ends_with(".scope") ||
         element.ends_with(".slice");
}

// Plain groups and units: told by their parent, not by their own name.
std::optional<Identity> FindByParent(std::string_view parent, std::string_view element,
                                     const ClassifyOptions& options) {
  if (IsListed(options.prefixes, parent))
    return Identity{
        .kind = model::EntityKind::kSlice, .runtime = "cgroup", .name = std::string(element)};
  if (IsListed(options.slices, parent) && IsUnit(element) && !IsSupervisor(element))
    return Identity{
        .kind = model::EntityKind::kSlice, .runtime = "systemd", .name = Unescape(element)};
  return std::nullopt;
}

// "kubepods-burstable-pod8a_1.slice" and "pod8a-1" -> "8a-1"; empty: no pod's element.
std::string PodUid(std::string_view element) {
  element = element.substr(0, element.find(".slice"));
  const std::size_t at = element.starts_with("pod") ? 0 : element.rfind("-pod");
  if (at == std::string_view::npos) return "";
  const std::string_view uid = element.substr(at == 0 ? 3 : at + 4);
  const bool plausible = uid.size() >= 32 && std::ranges::all_of(uid, [](char c) {
                           return IsHex(c) || c == '_' || c == '-';
                         });
  if (!plausible) return "";  // static pods have 32 digits, others a UUID
  std::string text(uid);
  std::ranges::replace(text, '_', '-');
  return text;
}

void AddPod(Elements elements, Identity& identity) {
  bool in_kubepods = false;
  for (const std::string_view element : elements) {
    in_kubepods = in_kubepods || element.find("kubepods") != std::string_view::npos;
    if (!in_kubepods) continue;
    if (element.find("burstable") != std::string_view::npos) identity.qos = "burstable";
    if (element.find("besteffort") != std::string_view::npos) identity.qos = "besteffort";
    if (auto uid = PodUid(element); !uid.empty()) identity.pod_uid = std::move(uid);
  }
  if (!identity.pod_uid.empty() && identity.qos.empty()) identity.qos = "guaranteed";
}

struct Split {
  std::string_view elements[kMaxElements];
  std::size_t ends[kMaxElements] = {};  // of each element, in the path
  std::size_t count = 0;
};

Split SplitPath(std::string_view path) {
  Split split;
  std::size_t at = 0;
  while (at < path.size() && split.count < kMaxElements) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) {
      split.elements[split.count] = path.substr(at, end - at);
      split.ends[split.count++] = end;
    }
    at = end + 1;
  }
  return split;
}

bool IsWanted(const std::string& path, const ClassifyOptions& options) {
  const auto matches = [&](const std::string& pattern) { return MatchesPattern(path, pattern); };
  return (options.include.empty() || std::ranges::any_of(options.include, matches)) &&
         std::ranges::none_of(options.exclude, matches);
}

}  // namespace

std::optional<Identity> Classify(std::string_view path, const ClassifyOptions& options) {
  const Split split = SplitPath(path);
  Identity innermost;
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < split.count; ++i) {
    const Elements upto(split.elements, i + 1);
    const std::size_t parent_end = i == 0 ? 0 : split.ends[i - 1];
    auto found = FindByLayout(upto);
    if (!found) found = FindByParent(path.substr(0, parent_end), upto.back(), options);
    if (!found) continue;
    if (at && innermost.runtime != "systemd")
      found->outer_id = innermost.container_id.empty() ? innermost.name : innermost.container_id;
    innermost = *std::move(found);
    at = i;
    // What a VMM does below its own group is the VM's.
    if (innermost.kind == model::EntityKind::kVm) break;
  }
  if (!at) return std::nullopt;
  innermost.path = path.substr(0, split.ends[*at]);
  AddPod(Elements(split.elements, *at + 1), innermost);
  if (!IsWanted(innermost.path, options)) return std::nullopt;
  return innermost;
}

}  // namespace ballast::discover

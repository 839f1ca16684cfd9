#pragma once

// What a metric is called and means, and the rules for that which the compiler
// enforces (after Prometheus' naming conventions and promtool's lint).

#include <cstddef>
#include <span>
#include <string_view>

namespace ballast::metrics {

enum class Kind { kCounter, kGauge, kHistogram };

struct Spec {
  std::string_view name;
  Kind kind;
  std::string_view labels;  // names separated by commas; empty: none
  std::string_view help;    // a sentence, with its full stop
};

constexpr std::string_view NameOf(Kind kind) {
  return kind == Kind::kCounter ? "counter" : kind == Kind::kGauge ? "gauge" : "histogram";
}

// Counters end in _total and nothing else does; histograms end in their unit;
// lower case; a help sentence; no name twice.
consteval bool NamesAreSound(std::span<const Spec> catalogue) {
  for (std::size_t i = 0; i < catalogue.size(); ++i) {
    const Spec& spec = catalogue[i];
    if ((spec.kind == Kind::kCounter) != spec.name.ends_with("_total")) return false;
    if (spec.kind == Kind::kHistogram && !spec.name.ends_with("_seconds") &&
        !spec.name.ends_with("_bytes"))
      return false;
    if (!spec.help.ends_with('.')) return false;
    for (const char c : spec.name)
      if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
    for (std::size_t j = 0; j < i; ++j)
      if (catalogue[j].name == spec.name) return false;
  }
  return true;
}

}  // namespace ballast::metrics

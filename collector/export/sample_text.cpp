#include "collector/export/sample_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace ballast::exposition {
namespace {

// le="..." of each finite bucket.
const std::array<std::string, kLastEdge + 1>& EdgeLabels() {
  static const auto labels = [] {
    std::array<std::string, kLastEdge + 1> made;
    for (int i = kFirstEdge; i <= kLastEdge; ++i) {
      std::string& label = made[static_cast<std::size_t>(i)];
      label = "le=\"";
      AppendSeconds(label, model::BucketUpperNs(i));
      label += '"';
    }
    return made;
  }();
  return labels;
}

//  # {span_id="7"} 0.53 1700000000.25
void AppendExemplar(std::string& out, const Exemplar& exemplar) {
  out.append(" # {span_id=\"");
  AppendNumber(out, exemplar.span_id);
  out.append("\"} ");
  AppendSeconds(out, exemplar.duration_ns);
  out += ' ';
  AppendSeconds(out, static_cast<std::uint64_t>(exemplar.ended.count()));
}

}  // namespace

void AppendNumber(std::string& out, std::uint64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (constexpr double kExact = 9'007'199'254'740'992.0;  // 2^53
             value >= 0 && value < kExact && value == std::floor(value) && !std::signbit(value)) {
    AppendNumber(out, static_cast<std::uint64_t>(value));  // most are whole, and that is faster
  } else {
    char text[32];
    out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
  }
}

void AppendSeconds(std::string& out, std::uint64_t nanoseconds) {
  constexpr std::uint64_t kPerSecond = 1'000'000'000;
  char text[32];
  char* end = std::to_chars(text, text + sizeof text, nanoseconds / kPerSecond).ptr;
  if (const std::uint64_t fraction = nanoseconds % kPerSecond; fraction != 0) {
    // The one before the nine digits keeps their zeros, and is where the point goes.
    char* const point = end;
    end = std::to_chars(end, text + sizeof text, fraction + kPerSecond).ptr;
    *point = '.';
    while (end[-1] == '0') --end;
  }
  out.append(text, end);
}

void AppendSeries(std::string& out, std::string_view name, std::string_view suffix,
                  std::string_view labels, std::string_view more) {
  out.append(name).append(suffix);
  if (!labels.empty() || !more.empty()) {
    out.append(1, '{').append(labels);
    if (!labels.empty() && !more.empty()) out += ',';
    out.append(more).append(1, '}');
  }
  out += ' ';
}

void AppendHistogram(std::string& out, std::string_view name, std::string_view labels,
                     std::string_view more, const model::Histogram& histogram,
                     const Exemplar* exemplar) {
  std::uint64_t cumulative = 0;
  const auto line = [&](std::string_view edge, bool is_exemplars) {
    out.append(name).append("_bucket{").append(labels);
    if (!labels.empty()) out += ',';
    if (!more.empty()) out.append(more).append(1, ',');
    out.append(edge).append("} ");
    AppendNumber(out, cumulative);
    if (is_exemplars) AppendExemplar(out, *exemplar);
    out += '\n';
  };
  bool is_pending = exemplar != nullptr && exemplar->span_id != 0;
  for (int i = 0; i < model::Histogram::kBuckets; ++i) {
    cumulative += histogram.counts[static_cast<std::size_t>(i)];
    if (i < kFirstEdge || i > kLastEdge) continue;
    const bool is_its = is_pending && exemplar->duration_ns <= model::BucketUpperNs(i);
    line(EdgeLabels()[static_cast<std::size_t>(i)], is_its);
    is_pending = is_pending && !is_its;
  }
  line("le=\"+Inf\"", is_pending);
  AppendSeries(out, name, "_sum", labels, more);
  AppendSeconds(out, histogram.sum_ns);
  out += '\n';
  AppendSeries(out, name, "_count", labels, more);
  AppendNumber(out, cumulative);
  out += '\n';
}

void AppendHelp(std::string& out, std::string_view help, bool is_open_metrics) {
  for (const char c : help) {
    if (c == '\\' || (c == '"' && is_open_metrics)) out += '\\';
    c == '\n' ? out.append("\\n") : out.append(1, c);
  }
}

}  // namespace ballast::exposition

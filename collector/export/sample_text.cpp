#include "collector/export/sample_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace ballast::exposition {
namespace {

constexpr int kFirstEdge = 3;  // 8 us: waits below are the scheduler's own noise
constexpr int kLastEdge = 24;  // 16.8 s

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

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!IsContinuation(text[i])) return 0;
  // Overlong forms, surrogates, beyond U+10FFFF.
  const auto second = static_cast<unsigned char>(text[1]);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) return 0;
  return length;
}

void AppendLabel(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels.append(name).append("=\"");
  while (!value.empty()) {
    const std::size_t length = Utf8Length(value);
    const char c = value[0];
    if (length == 0)
      labels += "\xef\xbf\xbd";
    else if (c == '\n')
      labels += "\\n";
    else if (c == '"' || c == '\\')
      labels.append(1, '\\').append(1, c);
    else
      labels.append(value.substr(0, length));
    value.remove_prefix(length == 0 ? 1 : length);
  }
  labels += '"';
}

void AppendNumber(std::string& out, std::uint64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char text[32];
    out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
  }
}

void AppendSeconds(std::string& out, std::uint64_t nanoseconds) {
  constexpr std::uint64_t kPerSecond = 1'000'000'000;
  AppendNumber(out, nanoseconds / kPerSecond);
  std::uint64_t fraction = nanoseconds % kPerSecond;
  if (fraction == 0) return;
  char digits[10] = ".";
  for (int i = 9; i >= 1; --i) {
    digits[i] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  std::size_t length = sizeof digits;
  while (digits[length - 1] == '0') --length;
  out.append(digits, length);
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
                     const model::Histogram& histogram) {
  std::uint64_t cumulative = 0;
  for (int i = 0; i < model::Histogram::kBuckets; ++i) {
    cumulative += histogram.counts[static_cast<std::size_t>(i)];
    if (i < kFirstEdge || i > kLastEdge) continue;
    AppendSeries(out, name, "_bucket", labels, EdgeLabels()[static_cast<std::size_t>(i)]);
    AppendNumber(out, cumulative);
    out += '\n';
  }
  AppendSeries(out, name, "_bucket", labels, "le=\"+Inf\"");
  AppendNumber(out, cumulative);
  out += '\n';
  AppendSeries(out, name, "_sum", labels, "");
  AppendSeconds(out, histogram.sum_ns);
  out += '\n';
  AppendSeries(out, name, "_count", labels, "");
  AppendNumber(out, cumulative);
  out += '\n';
}

}  // namespace ballast::exposition

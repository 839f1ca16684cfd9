#include "collector/export/labels.h"

#include "collector/export/wire.h"

namespace ballast::exposition {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Most texts are paths and names: nothing to look at twice.
bool IsPlain(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80 || c == '"' || c == '\\' || c == '\n') return false;
  return true;
}

void AppendUtf8(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    out.append(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void AppendEscaped(std::string& out, std::string_view text) {
  std::string clean;
  AppendUtf8(clean, text);
  for (const char c : clean) {
    if (c == '"' || c == '\\') out += '\\';
    c == '\n' ? out.append("\\n") : out.append(1, c);
  }
}

void AppendTextLabel(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels.append(name).append("=\"");
  IsPlain(value) ? static_cast<void>(labels.append(value)) : AppendEscaped(labels, value);
  labels += '"';
}

void AppendWireLabel(std::string& labels, std::string_view name, std::string_view value) {
  std::string clean, pair;
  if (!IsPlain(value)) {
    AppendUtf8(clean, value);
    value = clean;
  }
  wire::AppendBytes(pair, 1, name);
  wire::AppendBytes(pair, 2, value);
  wire::AppendBytes(labels, 1, pair);
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

void AppendLabel(std::string& labels, Format format, std::string_view name,
                 std::string_view value) {
  format == Format::kProtobuf ? AppendWireLabel(labels, name, value)
                              : AppendTextLabel(labels, name, value);
}

void AppendStaticLabels(std::string& labels, Format format, std::string_view text) {
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    const std::size_t end = text.find('"', equals + 2);
    AppendLabel(labels, format, text.substr(0, equals), text.substr(equals + 2, end - equals - 2));
    text.remove_prefix(std::min(text.size(), end + 2));
  }
}

}  // namespace ballast::exposition

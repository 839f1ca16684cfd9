#include "collector/serve/json_writer.h"

#include <charconv>
#include <cmath>

#include "collector/export/labels.h"

namespace ballast::serve {
namespace {

void AppendEscaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
}

template <typename Value>
void AppendPlain(std::string& out, Value value) {
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace

void JsonWriter::Separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Shut(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
  return *this;
}

void JsonWriter::Quote(std::string_view text) {
  out_ += '"';
  while (!text.empty()) {
    const std::size_t length = exposition::Utf8Length(text);
    const char c = text[0];
    if (length == 0)
      out_ += "\xef\xbf\xbd";
    else if (c == '"' || c == '\\')
      out_.append(1, '\\').append(1, c);
    else if (static_cast<unsigned char>(c) < 0x20)
      AppendEscaped(out_, c);
    else
      out_.append(text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out_ += '"';
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  Quote(name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Text(std::string_view value) {
  Separate();
  Quote(value);
  return *this;
}

JsonWriter& JsonWriter::Number(std::uint64_t value) {
  Separate();
  AppendPlain(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Signed(std::int64_t value) {
  Separate();
  AppendPlain(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Real(double value) {
  if (std::isnan(value)) return Raw("null");
  if (std::isinf(value)) return Text(value > 0 ? "inf" : "-inf");
  Separate();
  AppendPlain(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  return Raw(value ? "true" : "false");
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
  return *this;
}

}  // namespace ballast::serve

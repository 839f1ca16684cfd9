#include "collector/export/format.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ballast::exposition {
namespace {

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool IsSame(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Takes what stands before `separator` off the front.
std::string_view TakeUntil(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return Trim(part);
}

// One element of an Accept or Accept-Encoding header.
struct Wish {
  std::string_view what;
  std::string_view parameters;
  double weight = 1.0;

  std::optional<std::string_view> Find(std::string_view name) const {
    std::string_view rest = parameters;
    while (!rest.empty()) {
      std::string_view value = TakeUntil(rest, ';');
      if (!IsSame(TakeUntil(value, '='), name)) continue;
      value = Trim(value);
      if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
        value = value.substr(1, value.size() - 2);
      return value;
    }
    return std::nullopt;
  }
};

Wish TakeWish(std::string_view& header) {
  std::string_view element = TakeUntil(header, ',');
  Wish wish{TakeUntil(element, ';'), element};
  if (const auto q = wish.Find("q")) {
    const auto [end, error] = std::from_chars(q->data(), q->data() + q->size(), wish.weight);
    // A weight that is none is no wish.
    if (error != std::errc() || end != q->data() + q->size()) wish.weight = 0.0;
  }
  return wish;
}

std::optional<Format> FormatOf(const Wish& wish) {
  if (IsSame(wish.what, "application/vnd.google.protobuf")) {
    const bool is_ours = wish.Find("proto") == "io.prometheus.client.MetricFamily" &&
                         wish.Find("encoding") == "delimited";
    return is_ours ? std::optional(Format::kProtobuf) : std::nullopt;
  }
  if (IsSame(wish.what, "application/openmetrics-text")) {
    const auto version = wish.Find("version").value_or("1.0.0");
    return version == "1.0.0" || version == "0.0.1" ? std::optional(Format::kOpenMetrics)
                                                    : std::nullopt;
  }
  if (IsSame(wish.what, "text/plain")) {
    return wish.Find("version").value_or("0.0.4") == "0.0.4" ? std::optional(Format::kText)
                                                             : std::nullopt;
  }
  const bool is_any = wish.what == "*/*" || IsSame(wish.what, "text/*");
  return is_any ? std::optional(Format::kText) : std::nullopt;
}

}  // namespace

std::string_view ContentTypeOf(Format format) {
  switch (format) {
    case Format::kText:
      return "text/plain; version=0.0.4; charset=utf-8";
    case Format::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case Format::kProtobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited";
  }
  return "";
}

Format NegotiateFormat(std::string_view accept) {
  Format best = Format::kText;
  double weight = 0.0;
  while (!accept.empty()) {
    const Wish wish = TakeWish(accept);
    const auto format = FormatOf(wish);
    // Of equals the first: clients list in order of preference.
    if (!format || !(wish.weight > weight)) continue;
    best = *format;
    weight = wish.weight;
  }
  return best;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const Wish wish = TakeWish(accept_encoding);
    if (IsSame(wish.what, "gzip") || IsSame(wish.what, "x-gzip")) return wish.weight > 0.0;
    if (wish.what == "*") any = wish.weight > 0.0;
  }
  return any;
}

}  // namespace ballast::exposition

#include "collector/net/http_message.h"

#include <algorithm>
#include <charconv>

namespace ballast::net {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class PlusIs { kPlus, kSpace };  // a space only in queries

std::optional<std::string> Decode(std::string_view text, PlusIs plus) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == PlusIs::kSpace) {
      plain += ' ';
    } else if (text[i] != '%') {
      plain += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      plain += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return plain;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string_view> FindIn(const Pairs& pairs, std::string_view name) {
  const auto found = std::ranges::find(pairs, name, &Pairs::value_type::first);
  if (found == pairs.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Result<Target> ParseTarget(std::string_view target) {
  if (!target.starts_with('/')) return Error::Invalid("the request target must begin with a slash");
  const bool is_clean = std::ranges::none_of(
      target, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
  if (!is_clean) return Error::Invalid("the request target holds a control character");
  const std::size_t mark = target.find('?');
  Target parsed;
  const auto path = Decode(target.substr(0, mark), PlusIs::kPlus);
  if (!path) return Error::Invalid("the path holds a bad percent escape");
  parsed.path = *path;
  std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto name = Decode(pair.substr(0, equals), PlusIs::kSpace);
    const auto value =
        Decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), PlusIs::kSpace);
    if (!name || !value) return Error::Invalid("the query holds a bad percent escape");
    parsed.query.emplace_back(*name, *value);
  }
  return parsed;
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const auto wrong = [text] {
    std::string what = "'";
    what.append(text).append(
        "' is not an address and port; write for example 127.0.0.1:9435 or [::1]:9435");
    return Error::Invalid(std::move(what));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong();
  std::string_view address = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (address.starts_with('[') != address.ends_with(']')) return wrong();
  if (address.starts_with('['))
    address = address.substr(1, address.size() - 2);
  else if (address.find(':') != std::string_view::npos)
    return wrong();  // an IPv6 address without brackets
  Endpoint endpoint{address == "localhost" ? "127.0.0.1" : std::string(address), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong();
  return endpoint;
}

bool IsTrustedHost(std::string_view host, const std::vector<std::string>& known) {
  if (host.starts_with('[')) return host.find(']') != std::string_view::npos;  // IPv6
  std::string name(host.substr(0, host.find(':')));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (name.ends_with('.')) name.pop_back();
  if (name.empty()) return false;
  // A name cannot end in digits: the last part of an address is one, of a domain never.
  const bool is_address = name.find_first_not_of("0123456789.") == std::string::npos;
  return is_address || name.find('.') == std::string::npos || name.ends_with(".localhost") ||
         std::ranges::find(known, name) != known.end();
}

std::optional<std::string_view> Request::FindQuery(std::string_view name) const {
  return FindIn(target.query, name);
}
std::optional<std::string_view> Request::FindHeader(std::string_view lower_case_name) const {
  return FindIn(headers, lower_case_name);
}

Response MakeError(int status, std::string_view what) {
  Response response{.status = status,
                    .content_type = "application/json",
                    .body = "{\"error\":\"",
                    .headers = {},
                    .next_piece = {},
                    .feed = nullptr};
  for (const char c : what) {
    if (c == '"' || c == '\\') response.body += '\\';
    response.body += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  response.body += "\"}\n";
  return response;
}

}  // namespace ballast::net

#include "collector/serve/answer.h"

#include <algorithm>

namespace ballast::serve {

net::Response MakeJson(std::string body) {
  body += '\n';
  return {.status = 200,
          .content_type = "application/json",
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-store"}},
          .next_piece = {},
          .feed = nullptr};
}

net::Response MakeText(std::string content_type, std::string body) {
  return {.status = 200,
          .content_type = std::move(content_type),
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-store"}},
          .next_piece = {},
          .feed = nullptr};
}

// The first parameter that this path does not have.
std::optional<std::string> FindStranger(const net::Request& request,
                                        std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.target.query)
    if (std::ranges::find(known, name) == known.end()) return name;
  return std::nullopt;
}

net::Response UnknownParameter(const std::string& name, std::string_view known) {
  return net::MakeError(
      400, "unknown parameter '" + name.substr(0, 80) + "'; known: " + std::string(known));
}

}  // namespace ballast::serve

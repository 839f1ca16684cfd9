#include <cstdint>

#include "collector/base/check.h"
#include "collector/net/http_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = ballast::net::ParseTarget(text);
  if (target) BALLAST_CHECK(target->path.starts_with('/'), "a path begins with a slash");
  const auto endpoint = ballast::net::ParseEndpoint(text);
  if (endpoint) BALLAST_CHECK(!endpoint->address.empty(), "an endpoint has an address");
  return 0;
}

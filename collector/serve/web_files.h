#pragma once

#include <span>
#include <string_view>

namespace ballast::serve {

// A file of dashboards/web, as it was bundled at build time.
struct WebFile {
  std::string_view path;  // "/app.js"
  std::string_view content_type;
  std::string_view body;
};
std::span<const WebFile> WebFiles();

}  // namespace ballast::serve

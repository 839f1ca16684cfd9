#pragma once

#include <string_view>

namespace ballast::serve {

// live_page.html, as it was at build time.
std::string_view LivePageHtml();

}  // namespace ballast::serve

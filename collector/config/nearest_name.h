#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace ballast::config {

// The known name that a typing error most likely meant: fewest insertions,
// deletions, substitutions and swaps of neighbours; nothing where even the best
// differs in more than a third of the name.
std::optional<std::string_view> FindNearest(std::string_view name,
                                            const std::vector<std::string_view>& known);

}  // namespace ballast::config

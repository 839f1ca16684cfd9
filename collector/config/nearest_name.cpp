#include "collector/config/nearest_name.h"

#include <algorithm>
#include <string>

namespace ballast::config {
namespace {

// Optimal string alignment distance; O(len(a) * len(b)).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

// "listen" for "http.listen": the section was forgotten.
bool IsLastPart(std::string_view part, std::string_view key) {
  return key.size() > part.size() && key.ends_with(part) &&
         key[key.size() - part.size() - 1] == '.';
}

}  // namespace

std::optional<std::string_view> FindNearest(std::string_view name,
                                            const std::vector<std::string_view>& known) {
  // Longer ones are no typing errors, and would make the distance expensive.
  if (name.size() > 100) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_distance = 0;
  for (const std::string_view candidate : known) {
    if (IsLastPart(name, candidate)) return candidate;
    const std::size_t distance = Distance(name, candidate);
    if (distance * 3 > std::max(name.size(), candidate.size())) continue;
    if (best && distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace ballast::config

#include "autoscaler/allocate/whole_units.h"

#include <algorithm>
#include <cmath>

#include "collector/base/check.h"

namespace ballast::allocate {
namespace {

// One that could have a unit more; the greatest first.
struct Claim {
  double remainder = 0;
  bool has_it = false;  // what is applied is above the whole part
  std::size_t item = 0;

  bool IsBefore(const Claim& other) const {
    if (remainder != other.remainder) return remainder > other.remainder;
    if (has_it != other.has_it) return has_it;
    return item < other.item;
  }
};

}  // namespace

std::vector<std::int64_t> WholeUnits(const Problem& problem, const Allocation& allocation,
                                     std::span<const std::int64_t> applied) {
  BALLAST_CHECK(allocation.status == Status::kOptimal, "only a solution can be rounded");
  const std::vector<double>& amounts = allocation.amounts;
  BALLAST_CHECK(applied.empty() || applied.size() == amounts.size(), "one applied amount per item");
  std::vector<std::int64_t> units(amounts.size());
  std::vector<Claim> claims;
  std::int64_t given = 0;
  double wanted = 0;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const double whole = std::floor(amounts[i]);
    units[i] = static_cast<std::int64_t>(whole);
    given += units[i];
    wanted += amounts[i];
    if (amounts[i] > whole)
      claims.push_back({amounts[i] - whole, !applied.empty() && applied[i] > units[i], i});
  }
  // 2^-20 units of slack: a sum that should be whole may miss it by rounding.
  const auto total = static_cast<std::int64_t>(
      std::min(std::floor(problem.capacity), std::floor(wanted + 0x1p-20)));
  const std::int64_t left =
      std::clamp<std::int64_t>(total - given, 0, static_cast<std::int64_t>(claims.size()));
  std::nth_element(claims.begin(), claims.begin() + left, claims.end(),
                   [](const Claim& a, const Claim& b) { return a.IsBefore(b); });
  for (std::int64_t k = 0; k < left; ++k) ++units[claims[static_cast<std::size_t>(k)].item];
  return units;
}

}  // namespace ballast::allocate

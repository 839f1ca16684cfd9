#include "autoscaler/allocate/whole_units.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "collector/base/check.h"

namespace ballast::allocate {

std::vector<std::int64_t> WholeUnits(const Problem& problem, const Allocation& allocation) {
  BALLAST_CHECK(allocation.status == Status::kOptimal, "only a solution can be rounded");
  const std::vector<double>& amounts = allocation.amounts;
  std::vector<std::int64_t> units(amounts.size());
  std::int64_t given = 0;
  double wanted = 0;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    units[i] = static_cast<std::int64_t>(std::floor(amounts[i]));
    given += units[i];
    wanted += amounts[i];
  }
  // 2^-20 units of slack: a sum that should be whole may miss it by rounding.
  const auto total = static_cast<std::int64_t>(
      std::min(std::floor(problem.capacity), std::floor(wanted + 0x1p-20)));
  // Nothing is scarce and all demands are whole: there is nothing to hand out.
  if (given >= total) return units;

  std::vector<std::size_t> by_remainder(amounts.size());
  std::iota(by_remainder.begin(), by_remainder.end(), 0);
  const auto remainder = [&](std::size_t i) { return amounts[i] - std::floor(amounts[i]); };
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](std::size_t a, std::size_t b) { return remainder(a) > remainder(b); });
  for (const std::size_t i : by_remainder) {
    if (given >= total || remainder(i) <= 0) break;
    ++units[i];
    ++given;
  }
  return units;
}

}  // namespace ballast::allocate

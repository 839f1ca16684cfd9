#include "autoscaler/consolidate/grid_knapsack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ballast::consolidate {
namespace {

// About half a second and 64 MB.
// About half a second and 64 MB.
constexpr double kMostAdditions = 2e9;
constexpr double kMostCells = 1.6e7;
// Additions that take as long as one step of work.h.
constexpr std::int64_t kAdditionsPerStep = 24;

// Of the rounding of one float addition or conversion, relative.
constexpr double kFloatEps = 1.2e-7;

}  // namespace

GridKnapsack::GridKnapsack(const Instance& in) : in_(in) {
  if (in.resources != 2 || in.shapes.empty() || in.types.empty()) return;
  Amount unit[2] = {0, 0}, most[2] = {0, 0};
  for (const Shape& shape : in.shapes)
    for (int k = 0; k < 2; ++k) unit[k] = std::gcd(unit[k], shape.demand[k]);
  for (const Type& type : in.types)
    for (int k = 0; k < 2; ++k) most[k] = std::max(most[k], type.capacity[k]);
  for (Amount& u : unit) u = std::max<Amount>(u, 1);
  const double cells =
      (static_cast<double>(most[0] / unit[0]) + 1) * (static_cast<double>(most[1] / unit[1]) + 1);
  if (cells > kMostCells || cells * static_cast<double>(in.shapes.size()) > kMostAdditions) return;
  for (const Shape& shape : in.shapes)
    demand_.push_back(
        {static_cast<int>(shape.demand[0] / unit[0]), static_cast<int>(shape.demand[1] / unit[1])});
  for (const Type& type : in.types)
    room_.push_back({static_cast<int>(type.capacity[0] / unit[0]),
                     static_cast<int>(type.capacity[1] / unit[1])});
  // Something that takes no room at all could be taken without end.
  if (std::find(demand_.begin(), demand_.end(), std::pair{0, 0}) != demand_.end()) return;
  rows_ = static_cast<int>(most[0] / unit[0]) + 1;
  cells_ = static_cast<int>(most[1] / unit[1]) + 1;
}

void GridKnapsack::FillRow(int row) {
  float* const to = best_.data() + static_cast<std::size_t>(row) * cells_;
  std::fill(to, to + cells_, 0.0F);
  for (const Item& item : items_) {
    if (item.row > row || item.row == 0) continue;
    const float* const from = best_.data() + static_cast<std::size_t>(row - item.row) * cells_;
    float* const shifted = to + item.cell;
    const int count = cells_ - item.cell;
    for (int i = 0; i < count; ++i) shifted[i] = std::max(shifted[i], from[i] + item.value);
  }
  // What needs nothing of the first resource builds on its own row.
  if (std::none_of(items_.begin(), items_.end(), [](const Item& i) { return i.row == 0; })) return;
  for (int i = 0; i < cells_; ++i)
    for (const Item& item : items_)
      if (item.row == 0 && item.cell <= i) to[i] = std::max(to[i], to[i - item.cell] + item.value);
}

std::vector<double> GridKnapsack::MostValues(const std::vector<double>& price, WorkMeter& work) {
  items_.clear();
  int fewest = std::numeric_limits<int>::max();
  for (std::size_t s = 0; s < price.size(); ++s) {
    if (price[s] <= 0) continue;
    const auto up = std::nextafter(static_cast<float>(price[s]), std::numeric_limits<float>::max());
    items_.push_back({static_cast<int>(s), demand_[s].first, demand_[s].second, up});
    fewest = std::min(fewest, std::max(demand_[s].first, demand_[s].second));
  }
  std::vector<double> most(in_.types.size(), 0.0);
  if (items_.empty()) return most;
  best_.resize(static_cast<std::size_t>(rows_) * cells_);
  for (int row = 0; row < rows_; ++row) {
    if (work.exhausted()) return std::vector<double>(most.size(), HUGE_VAL);
    FillRow(row);
    work.Spend(1 + std::ssize(items_) * cells_ / kAdditionsPerStep);
  }
  // Each addition may have rounded down; no filling has more VMs than this.
  const double additions = static_cast<double>(rows_ + cells_) / fewest + 1;
  for (std::size_t t = 0; t < most.size(); ++t)
    most[t] = best_[static_cast<std::size_t>(room_[t].first) * cells_ + room_[t].second] *
              (1 + kFloatEps * additions);
  return most;
}

Column GridKnapsack::FillingWith(const Item& first, int type, const std::vector<int>& left) const {
  auto [row, cell] = room_[type];
  std::vector<int> counts(in_.shapes.size(), 0);
  std::vector<int> in_set(in_.problem->anti_affinity.size(), 0);
  const auto may_take = [&](int shape) {
    const std::vector<int>& sets = in_.shapes[shape].sets;
    return counts[shape] < left[shape] && in_.Allows(shape, type) &&
           std::all_of(sets.begin(), sets.end(), [&](int set) {
             return in_set[set] < in_.problem->anti_affinity[set].at_most;
           });
  };
  for (const Item* next = &first; next != nullptr;) {
    row -= next->row;
    cell -= next->cell;
    if (may_take(next->shape)) {
      ++counts[next->shape];
      for (const int set : in_.shapes[next->shape].sets) ++in_set[set];
    }
    const float value = At(row, cell);
    next = nullptr;
    // The same sums as in FillRow(), so that one of them is equal.
    for (const Item& item : items_)
      if (value > 0 && item.row <= row && item.cell <= cell &&
          At(row - item.row, cell - item.cell) + item.value >= value) {
        next = &item;
        break;
      }
  }
  Column column{type, {}};
  for (std::size_t s = 0; s < counts.size(); ++s)
    if (counts[s] > 0) column.counts.push_back({static_cast<int>(s), counts[s]});
  return column;
}

std::vector<Column> GridKnapsack::FillingsOf(int type, const std::vector<int>& left,
                                             std::size_t limit) const {
  const auto [row, cell] = room_[type];
  std::vector<std::pair<float, std::size_t>> order;
  for (std::size_t i = 0; i < items_.size(); ++i)
    if (items_[i].row <= row && items_[i].cell <= cell)
      order.push_back({-At(row - items_[i].row, cell - items_[i].cell) - items_[i].value, i});
  std::sort(order.begin(), order.end());
  std::vector<Column> fillings;
  for (const auto& [value, i] : order) {
    if (fillings.size() >= limit) break;
    Column filling = FillingWith(items_[i], type, left);
    if (std::find(fillings.begin(), fillings.end(), filling) == fillings.end())
      fillings.push_back(std::move(filling));
  }
  return fillings;
}

}  // namespace ballast::consolidate

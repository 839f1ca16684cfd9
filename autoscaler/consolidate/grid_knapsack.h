#pragma once

// The pricing problem (pricer.h) of every host type at once, where demands are
// multiples of few units: unbounded knapsacks over one grid,
//
//   f(r) = max(0, max_s f(r - w_s) + pi_s)
//
// and z_t = f(R_t). Copies are not limited and neither permission nor
// anti-affinity counts, so values are upper bounds, and valid in (B) of
// bounds.h. Flavours of clouds come in few units of each resource (an eighth of
// a core, an eighth of a GiB): there the grid is small, and exact where fillings
// are far too many to search.
//
// Cost: cells x shapes additions, vectorised. Not thread-safe.

#include <utility>
#include <vector>

#include "autoscaler/consolidate/column.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

class GridKnapsack {
 public:
  explicit GridKnapsack(const Instance& in);

  // False for other than two resources, or where the grid would be too large.
  bool is_usable() const { return rows_ > 0; }

  // z_t by type, an upper bound on the value of any filling; infinite when the
  // work ran out. Requires: is_usable().
  std::vector<double> MostValues(const std::vector<double>& price, WorkMeter& work);

  // Fillings of `type` worth most at the prices of the last MostValues(), each with
  // another VM for certain, at most `limit` of them. Copies beyond `left` or not
  // allowed there are left out of a filling, so that it may be worth less.
  std::vector<Column> FillingsOf(int type, const std::vector<int>& left, std::size_t limit) const;

 private:
  struct Item {
    int shape = 0;
    int row = 0, cell = 0;  // its demand, in units
    float value = 0;
  };

  float At(int row, int cell) const { return best_[static_cast<std::size_t>(row) * cells_ + cell]; }
  void FillRow(int row);
  Column FillingWith(const Item& first, int type, const std::vector<int>& left) const;

  const Instance& in_;                       // outlives this
  int rows_ = 0, cells_ = 0;                 // of resource 0 and 1, both with 0
  std::vector<std::pair<int, int>> demand_;  // by shape, in units
  std::vector<std::pair<int, int>> room_;    // by type
  std::vector<Item> items_;
  std::vector<float> best_;  // [row * cells_ + cell]
};

}  // namespace ballast::consolidate

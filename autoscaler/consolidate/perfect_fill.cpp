#include "autoscaler/consolidate/perfect_fill.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace ballast::consolidate {
namespace {

// Sums kept in memory at once, about 24 bytes each.
constexpr double kMostSums = 1.2e7;
constexpr int kMostHalf = 4;

struct Sum {
  std::uint64_t key;              // of the amounts in the exact resources
  std::int16_t shape[kMostHalf];  // ascending, -1 for none; a shape may repeat
};

class PerfectFills {
 public:
  PerfectFills(const Instance& in, const std::vector<char>& exact, std::size_t limit,
               WorkMeter& work)
      : in_(in), limit_(limit), work_(work) {
    // A linear key: the key of a complement is the difference of keys. Distinct
    // odd multipliers make collisions rare; hits are verified.
    std::uint64_t multiplier = 0x9e3779b97f4a7c15ULL;
    for (int k = 0; k < in.resources; ++k) {
      multipliers_.push_back(exact[k] ? multiplier : 0);
      multiplier = multiplier * 6364136223846793005ULL + 2;
      multiplier |= 1;
    }
    for (const Shape& shape : in.shapes) shape_key_.push_back(KeyOf(shape.demand));
  }

  std::vector<Column> Find() {
    const double shapes = static_cast<double>(in_.shapes.size());
    if (in_.shapes.size() > 30'000) return {};
    double sums = 1;
    for (int half = 1; half <= kMostHalf; ++half) {
      sums *= shapes / half;
      if (sums > kMostSums) break;
      Extend();
    }
    std::sort(sums_.begin(), sums_.end(), [](const Sum& a, const Sum& b) { return a.key < b.key; });
    for (int t = 0; t < static_cast<int>(in_.types.size()); ++t) MatchType(t);
    return Take();
  }

 private:
  std::uint64_t KeyOf(const std::vector<Amount>& amounts) const {
    std::uint64_t key = 0;
    for (int k = 0; k < in_.resources; ++k)
      key += multipliers_[k] * static_cast<std::uint64_t>(amounts[k]);
    return key;
  }

  // Sums of one VM more: each of the longest so far with a shape not before its last.
  void Extend() {
    const int shapes = static_cast<int>(in_.shapes.size());
    if (length_ == 0) {
      sums_.push_back({0, {-1, -1, -1, -1}});
      longest_ = 0;
    }
    const std::size_t from = longest_, to = sums_.size();
    longest_ = to;
    for (std::size_t i = from; i < to; ++i) {
      const Sum base = sums_[i];
      const int last = length_ == 0 ? 0 : base.shape[length_ - 1];
      for (int s = last; s < shapes; ++s) {
        if (s == last && length_ > 0 &&
            Repeats(base, s) >= static_cast<int>(in_.shapes[s].vms.size()))
          continue;
        Sum next = base;
        next.key += shape_key_[s];
        next.shape[length_] = static_cast<std::int16_t>(s);
        sums_.push_back(next);
      }
      work_.Spend(shapes);
      if (work_.exhausted()) break;
    }
    ++length_;
  }

  static int Repeats(const Sum& sum, int shape) {
    return static_cast<int>(std::count(sum.shape, sum.shape + kMostHalf, shape));
  }

  void MatchType(int t) {
    const std::uint64_t full = KeyOf(in_.types[t].capacity);
    for (const Sum& sum : sums_) {
      if (found_.size() >= limit_ || work_.exhausted()) return;
      work_.Spend(2);
      const std::uint64_t wanted = full - sum.key;
      auto other = std::lower_bound(sums_.begin(), sums_.end(), wanted,
                                    [](const Sum& s, std::uint64_t key) { return s.key < key; });
      for (; other != sums_.end() && other->key == wanted; ++other) Record(t, sum, *other);
    }
  }

  void Record(int t, const Sum& a, const Sum& b) {
    std::map<int, int> counts;
    for (const Sum* half : {&a, &b})
      for (const std::int16_t shape : half->shape)
        if (shape >= 0) ++counts[shape];
    std::vector<Amount> used(static_cast<std::size_t>(in_.resources));
    for (const auto& [shape, count] : counts) {
      if (count > static_cast<int>(in_.shapes[shape].vms.size()) || !in_.Allows(shape, t)) return;
      for (int k = 0; k < in_.resources; ++k) used[k] += in_.shapes[shape].demand[k] * count;
    }
    for (int k = 0; k < in_.resources; ++k) {
      const Amount capacity = in_.types[t].capacity[k];
      if (used[k] > capacity || (multipliers_[k] != 0 && used[k] != capacity)) return;
    }
    std::map<int, int> in_set;
    for (const auto& [shape, count] : counts)
      for (const int set : in_.shapes[shape].sets)
        if ((in_set[set] += count) > in_.problem->anti_affinity[set].at_most) return;
    found_.insert({t, {counts.begin(), counts.end()}});
  }

  std::vector<Column> Take() {
    std::vector<Column> columns;
    for (const auto& [type, counts] : found_) columns.push_back({type, counts});
    return columns;
  }

  const Instance& in_;
  std::size_t limit_;
  WorkMeter& work_;
  std::vector<std::uint64_t> multipliers_;
  std::vector<std::uint64_t> shape_key_;
  std::vector<Sum> sums_;
  std::size_t longest_ = 0;  // where the longest sums begin
  int length_ = 0;
  std::set<std::pair<int, std::vector<std::pair<int, int>>>> found_;
};

}  // namespace

std::vector<Column> FindPerfectFills(const Instance& in, const std::vector<char>& exact,
                                     std::size_t limit, WorkMeter& work) {
  return PerfectFills(in, exact, limit, work).Find();
}

}  // namespace ballast::consolidate

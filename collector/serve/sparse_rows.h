#pragma once

// A row of values for each step of time, kept as what changed from the step
// before: a workload that sleeps costs nothing, one that works a few numbers.
//
//   rows.Set(step, values);          // steps rise; in between, values stand
//   rows.DropBefore(oldest);
//   rows.ForEachChange([&](std::uint32_t step, const Row& values) { ... });
//
// Values are compared by their bits, so absence (not a number) is a value as any
// other. Not thread-safe.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>

namespace ballast::serve {

template <std::size_t kColumns>
class SparseRows {
  static_assert(kColumns <= 32, "a change is one bit of a word for each column");

 public:
  using Row = std::array<float, kColumns>;

  SparseRows() {
    first_.fill(std::numeric_limits<float>::quiet_NaN());
    last_ = first_;
  }

  // Requires: `step` is above that of every earlier call.
  void Set(std::uint32_t step, const Row& values) {
    std::uint32_t changed = 0;
    for (std::size_t i = 0; i < kColumns; ++i)
      if (Bits(values[i]) != Bits(last_[i])) changed |= 1U << i;
    if (changed == 0) return;
    words_.push_back(step);
    words_.push_back(changed);
    for (std::size_t i = 0; i < kColumns; ++i)
      if ((changed >> i & 1U) != 0) words_.push_back(Bits(values[i]));
    last_ = values;
  }

  // What changed before `step` is folded into the values that it began with.
  void DropBefore(std::uint32_t step) {
    while (!words_.empty() && words_.front() < step) {
      words_.pop_front();
      const std::uint32_t changed = words_.front();
      words_.pop_front();
      for (std::size_t i = 0; i < kColumns; ++i) {
        if ((changed >> i & 1U) == 0) continue;
        first_[i] = std::bit_cast<float>(words_.front());
        words_.pop_front();
      }
    }
  }

  // The values before the first change that is kept come first, as of step 0.
  template <typename Visit>  // (std::uint32_t step, const Row&)
  void ForEachChange(Visit&& visit) const {
    Row values = first_;
    visit(std::uint32_t{0}, values);
    for (auto word = words_.begin(); word != words_.end();) {
      const std::uint32_t step = *word++;
      const std::uint32_t changed = *word++;
      for (std::size_t i = 0; i < kColumns; ++i)
        if ((changed >> i & 1U) != 0) values[i] = std::bit_cast<float>(*word++);
      visit(step, values);
    }
  }

  const Row& last() const { return last_; }
  std::size_t bytes() const { return words_.size() * sizeof(std::uint32_t); }

 private:
  static std::uint32_t Bits(float value) { return std::bit_cast<std::uint32_t>(value); }

  Row first_, last_;
  std::deque<std::uint32_t> words_;  // of each change: step, columns, their values
};

}  // namespace ballast::serve

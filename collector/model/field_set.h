#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/model/field.h"
#include "collector/model/histogram.h"

namespace ballast::model {

// What is known about one entity at one moment: the fields that are present,
// with their values. Absent fields cost nothing, so that ten thousand idle
// workloads stay small; setting a field that is present never allocates.
//
//   sample.Set(Field::kCpuUsageNs, 1200);
//   if (auto limit = sample.Get(Field::kMemoryMaxBytes)) ...
//
// Numbers, histograms and texts are told apart by the field table; using the
// wrong accessor for a field is a bug and ends the process.
// Not thread-safe; a value, copied freely.
class FieldSet {
 public:
  // Counter, gauge, peak, limit.
  void Set(Field field, std::uint64_t value);
  void SetReal(Field field, double value);
  void SetHistogram(Field field, const Histogram& histogram);
  void SetText(Field field, std::string_view text);
  // Only where there is a value, so that sources can pass optionals through.
  void Set(Field field, std::optional<std::uint64_t> value) {
    if (value) Set(field, *value);
  }

  bool Has(Field field) const;
  // Which numbers, one bit per field number: to ask for several at once.
  static constexpr std::size_t kWords = (kMaxFieldNumber + 1) / 64;
  using Mask = std::array<std::uint64_t, kWords>;
  static void Add(Field number, Mask& mask) {
    mask[static_cast<std::size_t>(number) / 64] |= std::uint64_t{1}
                                                   << (static_cast<std::size_t>(number) % 64);
  }
  bool HasAll(const Mask& numbers) const {
    for (std::size_t word = 0; word < kWords; ++word)
      if ((numbers[word] & ~present_[word]) != 0) return false;
    return true;
  }
  std::optional<std::uint64_t> Get(Field field) const;
  std::optional<double> GetReal(Field field) const;
  // nullptr where absent; valid until the set changes.
  const Histogram* FindHistogram(Field field) const;
  // Empty where absent: no text field has a meaning for the empty text.
  std::string_view GetText(Field field) const;

  void Clear(Field field);
  // Forgets everything but keeps the memory: a sample is refilled every tick.
  void ClearAll();
  // Takes over every field that is present in `newer`.
  void Merge(const FieldSet& newer);

  bool empty() const { return numbers_.empty() && histograms_.empty() && texts_.empty(); }

  // Present fields: numbers in ascending order (reals as their bit pattern),
  // then histograms and texts in the order they were first set.
  template <typename Visit>  // (Field, std::uint64_t)
  void ForEachNumber(Visit&& visit) const {
    std::size_t at = 0;
    for (std::size_t word = 0; word < present_.size(); ++word)
      for (std::uint64_t bits = present_[word]; bits != 0; bits &= bits - 1)
        visit(static_cast<Field>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits))),
              numbers_[at++]);
  }
  const std::vector<std::pair<Field, Histogram>>& histograms() const { return histograms_; }
  const std::vector<std::pair<Field, std::string>>& texts() const { return texts_; }

  friend bool operator==(const FieldSet& a, const FieldSet& b);

 private:
  friend struct FieldDifference;

  std::size_t Position(std::size_t number) const;

  // Which numbers are present, one bit per field number, and their values in
  // the same order. A set of 30 numbers is 64 + 240 bytes.
  Mask present_{};
  std::array<std::uint16_t, kWords> before_{};  // numbers present in the words before each
  std::vector<std::uint64_t> numbers_;
  std::vector<std::pair<Field, Histogram>> histograms_;
  std::vector<std::pair<Field, std::string>> texts_;
};

// What turns `then` into `now`.
struct FieldDifference {
  FieldSet changed;            // new or different
  std::vector<Field> cleared;  // present before, absent now

  bool empty() const { return changed.empty() && cleared.empty(); }

  static FieldDifference Between(const FieldSet& then, const FieldSet& now);

 private:
  static constexpr std::size_t kUsualChanges = 16;
  void CompareNumbers(const FieldSet& then, const FieldSet& now);
};

}  // namespace ballast::model

#include "collector/model/field_set.h"

#include <algorithm>

#include "collector/base/check.h"

namespace ballast::model {
namespace {

constexpr std::size_t Number(Field field) {
  return static_cast<std::size_t>(field);
}

enum class Shape { kNumber, kHistogram, kText };
Shape ShapeOf(Field field) {
  switch (InfoOf(field).type) {
    case FieldType::kHistogram:
      return Shape::kHistogram;
    case FieldType::kText:
      return Shape::kText;
    case FieldType::kCounter:
    case FieldType::kGauge:
    case FieldType::kPeak:
    case FieldType::kLimit:
    case FieldType::kReal:
      return Shape::kNumber;
  }
  return Shape::kNumber;
}

template <typename Value>
auto FindPair(std::vector<std::pair<Field, Value>>& pairs, Field field) {
  return std::ranges::find(pairs, field, &std::pair<Field, Value>::first);
}
template <typename Value>
auto FindPair(const std::vector<std::pair<Field, Value>>& pairs, Field field) {
  return std::ranges::find(pairs, field, &std::pair<Field, Value>::first);
}

template <typename Value, typename Given>
void SetPair(std::vector<std::pair<Field, Value>>& pairs, Field field, const Given& value) {
  const auto found = FindPair(pairs, field);
  if (found == pairs.end()) {
    pairs.emplace_back(field, value);
  } else {
    found->second = value;
  }
}

// Order is history, not meaning.
template <typename Value>
bool SamePairs(const std::vector<std::pair<Field, Value>>& a,
               const std::vector<std::pair<Field, Value>>& b) {
  return a.size() == b.size() && std::ranges::is_permutation(a, b);
}

template <typename Value>
void ComparePairs(const std::vector<std::pair<Field, Value>>& then,
                  const std::vector<std::pair<Field, Value>>& now,
                  std::vector<std::pair<Field, Value>>& changed, std::vector<Field>& cleared) {
  for (const auto& pair : now) {
    const auto before = FindPair(then, pair.first);
    if (before == then.end() || before->second != pair.second) changed.push_back(pair);
  }
  for (const auto& pair : then)
    if (FindPair(now, pair.first) == now.end()) cleared.push_back(pair.first);
}

}  // namespace

std::size_t FieldSet::Position(std::size_t number) const {
  const std::uint64_t below = (std::uint64_t{1} << (number % 64)) - 1;
  return before_[number / 64] +
         static_cast<std::size_t>(std::popcount(present_[number / 64] & below));
}

void FieldSet::Set(Field field, std::uint64_t value) {
  const std::size_t at = Position(Number(field));
  std::uint64_t& word = present_[Number(field) / 64];
  const std::uint64_t bit = std::uint64_t{1} << (Number(field) % 64);
  if ((word & bit) != 0) {
    numbers_[at] = value;
    return;
  }
  BALLAST_CHECK(ShapeOf(field) == Shape::kNumber, "the field is a histogram or a text");
  numbers_.insert(numbers_.begin() + static_cast<std::ptrdiff_t>(at), value);
  word |= bit;
  for (std::size_t later = Number(field) / 64 + 1; later < kWords; ++later) ++before_[later];
}

void FieldSet::SetReal(Field field, double value) {
  BALLAST_CHECK(InfoOf(field).type == FieldType::kReal, "the field is no real number");
  Set(field, std::bit_cast<std::uint64_t>(value));
}

void FieldSet::SetHistogram(Field field, const Histogram& histogram) {
  BALLAST_CHECK(ShapeOf(field) == Shape::kHistogram, "the field is no histogram");
  SetPair(histograms_, field, histogram);
}

void FieldSet::SetText(Field field, std::string_view text) {
  BALLAST_CHECK(ShapeOf(field) == Shape::kText, "the field is no text");
  SetPair(texts_, field, text.substr(0, kMaxTextBytes));
}

bool FieldSet::Has(Field field) const {
  // Numbers are asked for most, ten times a second for every file and field.
  if (((present_[Number(field) / 64] >> (Number(field) % 64)) & 1) != 0) return true;
  switch (ShapeOf(field)) {
    case Shape::kNumber:
      return false;
    case Shape::kHistogram:
      return FindHistogram(field) != nullptr;
    case Shape::kText:
      return !GetText(field).empty();
  }
  return false;
}

std::optional<std::uint64_t> FieldSet::Get(Field field) const {
  const std::uint64_t word = present_[Number(field) / 64];
  if (((word >> (Number(field) % 64)) & 1) == 0) return std::nullopt;
  return numbers_[Position(Number(field))];
}

std::optional<double> FieldSet::GetReal(Field field) const {
  const auto bits = Get(field);
  if (!bits) return std::nullopt;
  return std::bit_cast<double>(*bits);
}

const Histogram* FieldSet::FindHistogram(Field field) const {
  const auto found = FindPair(histograms_, field);
  return found == histograms_.end() ? nullptr : &found->second;
}

std::string_view FieldSet::GetText(Field field) const {
  const auto found = FindPair(texts_, field);
  return found == texts_.end() ? std::string_view() : std::string_view(found->second);
}

void FieldSet::Clear(Field field) {
  if (!Has(field)) return;
  switch (ShapeOf(field)) {
    case Shape::kNumber:
      numbers_.erase(numbers_.begin() + static_cast<std::ptrdiff_t>(Position(Number(field))));
      present_[Number(field) / 64] &= ~(std::uint64_t{1} << (Number(field) % 64));
      for (std::size_t later = Number(field) / 64 + 1; later < kWords; ++later) --before_[later];
      return;
    case Shape::kHistogram:
      histograms_.erase(FindPair(histograms_, field));
      return;
    case Shape::kText:
      texts_.erase(FindPair(texts_, field));
      return;
  }
}

void FieldSet::ClearAll() {
  present_.fill(0);
  before_.fill(0);
  numbers_.clear();
  histograms_.clear();
  texts_.clear();
}

void FieldSet::Merge(const FieldSet& newer) {
  newer.ForEachNumber([this](Field field, std::uint64_t value) { Set(field, value); });
  for (const auto& [field, histogram] : newer.histograms_) SetHistogram(field, histogram);
  for (const auto& [field, text] : newer.texts_) SetText(field, text);
}

bool operator==(const FieldSet& a, const FieldSet& b) {
  return a.present_ == b.present_ && a.numbers_ == b.numbers_ &&
         SamePairs(a.histograms_, b.histograms_) && SamePairs(a.texts_, b.texts_);
}

// Both hold their numbers in the same order: one pass over both.
void FieldDifference::CompareNumbers(const FieldSet& then, const FieldSet& now) {
  std::size_t at_then = 0, at_now = 0;
  for (std::size_t word = 0; word < FieldSet::kWords; ++word) {
    changed.before_[word] = static_cast<std::uint16_t>(changed.numbers_.size());
    for (std::uint64_t bits = then.present_[word] | now.present_[word]; bits != 0;
         bits &= bits - 1) {
      const std::uint64_t bit = bits & -bits;
      const bool was_there = (then.present_[word] & bit) != 0;
      const bool is_there = (now.present_[word] & bit) != 0;
      if (!is_there) {
        ++at_then;
        cleared.push_back(
            static_cast<Field>(word * 64 + static_cast<std::size_t>(std::countr_zero(bit))));
        continue;
      }
      const std::uint64_t value = now.numbers_[at_now++];
      if (was_there && then.numbers_[at_then++] == value) continue;
      changed.present_[word] |= bit;
      changed.numbers_.push_back(value);
    }
  }
}

FieldDifference FieldDifference::Between(const FieldSet& then, const FieldSet& now) {
  FieldDifference difference;
  // Most workloads are idle in most ticks: one comparison answers for them.
  if (then.present_ != now.present_ || then.numbers_ != now.numbers_) {
    difference.changed.numbers_.reserve(kUsualChanges);
    difference.CompareNumbers(then, now);
  }
  ComparePairs(then.histograms_, now.histograms_, difference.changed.histograms_,
               difference.cleared);
  ComparePairs(then.texts_, now.texts_, difference.changed.texts_, difference.cleared);
  return difference;
}

}  // namespace ballast::model

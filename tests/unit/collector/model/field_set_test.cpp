#include "collector/model/field_set.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ballast::model {
namespace {

TEST(FieldSetTest, AbsentIsNotZero) {
  FieldSet set;
  set.Set(Field::kCpuUsageNs, 0);

  EXPECT_EQ(set.Get(Field::kCpuUsageNs), 0U);
  EXPECT_EQ(set.Get(Field::kCpuUserNs), std::nullopt);
  EXPECT_EQ(set.FindHistogram(Field::kRunQueueWait), nullptr);
  EXPECT_TRUE(set.GetText(Field::kName).empty());
}

// Against std::map: the packed layout must behave like the obvious one.
TEST(FieldSetTest, RandomOperationsAgreeWithAMap) {
  std::mt19937 random(7);
  std::vector<Field> numbers;
  for (const FieldInfo& info : AllFields())
    if (info.type != FieldType::kHistogram && info.type != FieldType::kText)
      numbers.push_back(info.field);
  FieldSet set;
  std::map<Field, std::uint64_t> expected;

  for (int i = 0; i < 20'000; ++i) {
    const Field field = numbers[random() % numbers.size()];
    if (random() % 3 == 0) {
      set.Clear(field);
      expected.erase(field);
    } else {
      const std::uint64_t value = random();
      set.Set(field, value);
      expected[field] = value;
    }
  }

  std::map<Field, std::uint64_t> seen;
  set.ForEachNumber([&](Field field, std::uint64_t value) { seen[field] = value; });
  EXPECT_EQ(seen, expected);
  for (const Field field : numbers) EXPECT_EQ(set.Has(field), expected.contains(field));
}

TEST(FieldSetTest, DifferenceTurnsOneIntoTheOther) {
  FieldSet then;
  then.Set(Field::kCpuUsageNs, 5);
  then.Set(Field::kMemoryMaxBytes, 100);
  then.SetText(Field::kImage, "old");
  FieldSet now;
  now.Set(Field::kCpuUsageNs, 9);
  now.SetReal(Field::kWeight, 2.5);
  now.SetText(Field::kName, "web");

  const auto difference = FieldDifference::Between(then, now);

  EXPECT_EQ(difference.cleared, (std::vector{Field::kMemoryMaxBytes, Field::kImage}));
  FieldSet rebuilt = then;
  rebuilt.Merge(difference.changed);
  for (const Field field : difference.cleared) rebuilt.Clear(field);
  EXPECT_EQ(rebuilt, now);
}

TEST(FieldSetTest, UnchangedHistogramIsNotInTheDifference) {
  FieldSet then;
  then.SetHistogram(Field::kRunQueueWait, {.counts = {1, 2}, .sum_ns = 3});

  EXPECT_TRUE(FieldDifference::Between(then, then).empty());
}

TEST(FieldSetDeathTest, WrongAccessorIsABug) {
  FieldSet set;
  EXPECT_DEATH(set.Set(Field::kName, 1), "the field is a histogram or a text");
  EXPECT_DEATH(set.SetText(Field::kCpuUsageNs, "x"), "the field is no text");
}

}  // namespace
}  // namespace ballast::model

#include "collector/serve/sparse_rows.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace ballast::serve {
namespace {

using Rows = SparseRows<5>;
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

std::vector<Rows::Row> Expanded(const Rows& rows, std::uint32_t from, std::uint32_t end) {
  std::vector<Rows::Row> all;
  Rows::Row values{};
  std::uint32_t at = from;
  rows.ForEachChange([&](std::uint32_t step, const Rows::Row& row) {
    for (; at < step; ++at) all.push_back(values);
    values = row;
  });
  for (; at < end; ++at) all.push_back(values);
  return all;
}

bool SameBits(const Rows::Row& a, const Rows::Row& b) {
  return std::bit_cast<std::array<std::uint32_t, 5>>(a) ==
         std::bit_cast<std::array<std::uint32_t, 5>>(b);
}

TEST(SparseRowsTest, RowThatDoesNotChangeTakesNothing) {
  Rows rows;
  rows.Set(1, {1, 2, kNone, 4, 5});
  const std::size_t bytes = rows.bytes();

  for (std::uint32_t step = 2; step < 100; ++step) rows.Set(step, {1, 2, kNone, 4, 5});

  EXPECT_EQ(rows.bytes(), bytes);
}

// Any rows, kept sparsely and cut anywhere, are what they were.
TEST(SparseRowsTest, RowsComeBackAsTheyWereWhereverTheyAreCut) {
  std::mt19937 random(7);
  Rows rows;
  std::vector<Rows::Row> expected{{kNone, kNone, kNone, kNone, kNone}};
  constexpr std::uint32_t kSteps = 500;
  for (std::uint32_t step = 1; step < kSteps; ++step) {
    Rows::Row row = expected.back();
    for (float& value : row)
      if (random() % 4 == 0) value = random() % 8 == 0 ? kNone : static_cast<float>(random() % 3);
    rows.Set(step, row);
    expected.push_back(row);
  }

  for (std::uint32_t cut = 0; cut < kSteps; cut += 7) {
    rows.DropBefore(cut);
    const auto all = Expanded(rows, cut, kSteps);
    ASSERT_EQ(all.size(), kSteps - cut);
    for (std::uint32_t step = cut; step < kSteps; ++step)
      ASSERT_TRUE(SameBits(all[step - cut], expected[step])) << step << " cut at " << cut;
  }
  rows.DropBefore(kSteps);
  EXPECT_EQ(rows.bytes(), 0U);
}

}  // namespace
}  // namespace ballast::serve

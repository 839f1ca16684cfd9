#include "collector/record/codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/support/synthetic_records.h"

namespace ballast::record {
namespace {

using model::EntityRow;
using model::Field;
using model::FieldType;
using model::Record;

// A row with every field of the table, at its extreme.
EntityRow FullRow() {
  EntityRow row{model::EntityRef{4'000'000'000},
                model::EntityKind::kVm,
                model::EntityRef{7},
                {},
                {Field::kImage}};
  model::Histogram histogram;
  histogram.counts.fill(std::numeric_limits<std::uint64_t>::max() / 64);
  histogram.sum_ns = std::numeric_limits<std::uint64_t>::max();
  for (const model::FieldInfo& info : model::AllFields()) {
    if (info.type == FieldType::kHistogram) {
      row.fields.SetHistogram(info.field, histogram);
    } else if (info.type == FieldType::kText) {
      row.fields.SetText(info.field, std::string("t\0\xff", 3));
    } else {
      row.fields.Set(info.field, std::numeric_limits<std::uint64_t>::max());
    }
  }
  return row;
}

model::RecordHeader Header() {
  return {"host-ä",    "01234567-89ab-cdef-0123-456789abcdef",
          5,           6,
          BootTime(7), std::chrono::nanoseconds(-8)};
}

TEST(CodecTest, EveryFieldOfEveryKindComesBack) {
  const EntityRow row = FullRow();
  const std::vector<Record> records = {
      {Header(), model::Tick{{row, row}, {model::EntityRef{9}}}},
      {Header(), model::Event{model::EventKind::kDecision,
                              model::EntityRef{3},
                              model::WorkloadKey{1ULL << 63, 4},
                              row.fields,
                              {row}}},
      {Header(), model::Key{{row}, model::KnownFieldNames()}},
  };

  for (const Record& record : records) {
    Unknown unknown;
    const auto back = DecodeFrame(EncodeFrame(record), &unknown);
    ASSERT_TRUE(back) << back.error().ToString();
    EXPECT_EQ(*back, record);
    EXPECT_EQ(unknown.items + unknown.kinds, 0U);
  }
}

TEST(CodecTest, EmptyRecordsComeBack) {
  for (const Record& record :
       {Record{{}, model::Tick{}}, Record{{}, model::Event{}}, Record{{}, model::Key{}}})
    EXPECT_EQ(*DecodeFrame(EncodeFrame(record)), record);
}

TEST(CodecTest, SyntheticHistoryComesBack) {
  test::SyntheticHost host({.workloads = 20});

  for (const Record& record : host.Run(200)) ASSERT_EQ(*DecodeFrame(EncodeFrame(record)), record);
}

TEST(CodecTest, EveryFlippedBitIsNoticed) {
  test::SyntheticHost host({.workloads = 1});
  const std::string frame = EncodeFrame(host.NextTick());

  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string damaged = frame;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(DecodeFrame(damaged)) << "bit " << bit;
  }
}

TEST(CodecTest, EveryCutIsNoticed) {
  test::SyntheticHost host({.workloads = 2});
  const std::string frame = EncodeFrame(host.Key());

  for (std::size_t size = 0; size < frame.size(); ++size)
    ASSERT_FALSE(DecodeFrame(std::string_view(frame).substr(0, size))) << size << " bytes";
}

// Ten a second: what a tick of mostly sleeping agents costs on the wire.
TEST(CodecTest, IdleTickCarriesOnlyItsHeader) {
  test::SyntheticHost host({.workloads = 1000, .active_share = 0.0});

  EXPECT_LT(EncodeFrame(host.NextTick()).size(), 128U);
}

}  // namespace
}  // namespace ballast::record

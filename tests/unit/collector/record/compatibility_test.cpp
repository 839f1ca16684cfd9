// Readers and writers of different ages. The fixture was written by version
// 0.1.0 and is never written again: what was once recorded stays readable.

#include <gtest/gtest.h>

#include <boost/crc.hpp>
#include <cstring>

#include "collector/base/file.h"
#include "collector/record/codec.h"
#include "collector/record/frame_reader.h"
#include "collector/record/wire.h"
#include "tests/support/synthetic_records.h"

namespace ballast::record {
namespace {

using model::Field;

// A frame as a newer Ballast could write it, made by hand.
std::string Frame(std::uint8_t version, std::uint8_t kind, const std::string& payload) {
  std::string frame(kFrameHeaderBytes, '\0');
  const auto length = static_cast<std::uint32_t>(payload.size());
  std::memcpy(&frame[0], &kMagic, 4);
  std::memcpy(&frame[4], &length, 4);
  frame[12] = static_cast<char>(version);
  frame[13] = static_cast<char>(kind);
  frame += payload;
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(frame.data() + 12, frame.size() - 12);
  const std::uint32_t sum = crc.checksum();
  std::memcpy(&frame[8], &sum, 4);
  return frame;
}

TEST(CompatibilityTest, FirstVersionsFileIsReadableForever) {
  const auto bytes = ReadSmallFile(BALLAST_FIXTURES "/record/v1.blr");
  ASSERT_TRUE(bytes) << bytes.error().ToString();
  FrameReader reader;
  model::State state;

  reader.Feed(*bytes);
  while (const auto record = reader.Next()) state.Apply(*record);

  EXPECT_EQ(reader.counters().records, 23U);
  EXPECT_EQ(reader.counters().skipped_bytes, 0U);
  EXPECT_EQ(state.header().host, "synthetic");
  EXPECT_EQ(state.header().sequence, 24U);
  ASSERT_EQ(state.entities().size(), 4U);
  const model::Entity& first = state.entities().at(model::EntityRef{1});
  EXPECT_EQ(first.fields.GetText(Field::kPath), "/ballast-demo/agent-1");
  EXPECT_EQ(first.fields.Get(Field::kMemoryMaxBytes), 512ULL << 20);
}

TEST(CompatibilityTest, NewerWritersFieldsTagsAndKindsArePassedOver) {
  std::string payload;
  WireWriter writer(payload);
  writer.Bytes(1, "host");
  writer.Varint(4, 1);
  writer.Bytes(9, "a header item of the future");
  writer.Message(10, [](WireWriter& row) {
    row.Varint(1, 3);
    row.Varint(2, 2);                                                     // kind: container
    row.Varint(static_cast<std::uint32_t>(Field::kCpuUsageNs) + 16, 77);  // known
    row.Varint(500 + 16, 1);  // fields of the future, of each shape
    row.Fixed64(501 + 16, 2);
    row.Bytes(9000 + 16, "x");
    row.Bytes(static_cast<std::uint32_t>(Field::kCpuUserNs) + 16,
              "redefined");  // known number, other type
  });
  writer.Message(10, [](WireWriter& row) {
    row.Varint(1, 4);
    row.Varint(2, 200);  // a kind of entity of the future
  });
  writer.Bytes(99, "a body item of the future");
  Unknown unknown;

  const auto record = DecodeFrame(Frame(1, 1, payload), &unknown);

  ASSERT_TRUE(record) << record.error().ToString();
  const auto& tick = std::get<model::Tick>(record->body);
  ASSERT_EQ(tick.rows.size(), 1U);
  EXPECT_EQ(tick.rows[0].fields.Get(Field::kCpuUsageNs), 77U);
  EXPECT_EQ(tick.rows[0].fields.Get(Field::kCpuUserNs), std::nullopt);
  EXPECT_EQ(unknown.items, 6U);
}

TEST(CompatibilityTest, NewerVersionIsRefusedAndStepsOver) {
  test::SyntheticHost host;
  FrameReader reader;
  reader.Feed(Frame(2, 1, "whatever it means then"));
  reader.Feed(Frame(1, 9, "a kind of record of the future"));
  reader.Feed(EncodeFrame(host.Key()));

  EXPECT_TRUE(reader.Next());
  EXPECT_EQ(reader.counters().unknown.kinds, 2U);
  EXPECT_EQ(reader.counters().skipped_bytes, 0U);
}

TEST(CompatibilityTest, MoreBucketsThanKnownFallIntoTheOpenOne) {
  std::string payload;
  WireWriter writer(payload);
  writer.Message(10, [](WireWriter& row) {
    row.Varint(1, 3);
    row.Message(static_cast<std::uint32_t>(Field::kRunQueueWait) + 16, [](WireWriter& histogram) {
      histogram.Raw(1);
      for (int i = 0; i < 40; ++i) histogram.Raw(1);
    });
  });

  const auto record = DecodeFrame(Frame(1, 1, payload));

  ASSERT_TRUE(record);
  const auto* histogram =
      std::get<model::Tick>(record->body).rows[0].fields.FindHistogram(Field::kRunQueueWait);
  ASSERT_NE(histogram, nullptr);
  EXPECT_EQ(model::TotalCount(*histogram), 40U);
  EXPECT_EQ(histogram->counts.back(), 13U);
}

}  // namespace
}  // namespace ballast::record

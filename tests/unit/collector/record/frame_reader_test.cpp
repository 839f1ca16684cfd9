#include "collector/record/frame_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/synthetic_records.h"

namespace ballast::record {
namespace {

std::vector<model::Record> ReadAll(FrameReader& reader) {
  std::vector<model::Record> records;
  while (auto record = reader.Next()) records.push_back(*std::move(record));
  return records;
}

std::vector<model::Record> History() {
  return test::SyntheticHost({.workloads = 5}).Run(30);
}

TEST(FrameReaderTest, PiecesOfAnySizeGiveTheSameRecords) {
  const auto history = History();
  std::string bytes;
  for (const auto& record : history) AppendFrame(bytes, record);

  for (const std::size_t piece : {1U, 7U, 1000U, 1'000'000U}) {
    FrameReader reader;
    std::vector<model::Record> records;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.Feed(std::string_view(bytes).substr(at, piece));
      for (auto& record : ReadAll(reader)) records.push_back(std::move(record));
    }
    EXPECT_EQ(records, history) << piece;
    EXPECT_EQ(reader.counters().skipped_bytes, 0U);
    EXPECT_EQ(reader.pending_bytes(), 0U);
  }
}

TEST(FrameReaderTest, DamageCostsTheDamagedFrameAlone) {
  const auto history = History();
  for (std::size_t victim = 0; victim < history.size(); ++victim) {
    std::string bytes;
    std::size_t at = 0;
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (i == victim) at = bytes.size();
      AppendFrame(bytes, history[i]);
    }
    bytes[at + kFrameHeaderBytes + 3] ^= 0x20;

    FrameReader reader;
    reader.Feed(bytes);
    auto expected = history;
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(victim));
    ASSERT_EQ(ReadAll(reader), expected) << "frame " << victim;
    ASSERT_EQ(reader.counters().damaged_frames, 1U);
  }
}

TEST(FrameReaderTest, LengthThatLiesIsSkipped) {
  const auto history = History();
  std::string bytes = EncodeFrame(history[0]);
  bytes[7] = 0x7f;  // the top byte of the length
  AppendFrame(bytes, history[1]);

  FrameReader reader;
  reader.Feed(bytes);

  EXPECT_EQ(ReadAll(reader), (std::vector{history[1]}));
}

TEST(FrameReaderTest, NoiseNeverStopsIt) {
  std::mt19937 random(11);
  const auto history = History();
  FrameReader reader;
  std::size_t read = 0;
  for (const auto& record : history) {
    std::string noise(random() % 40, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    reader.Feed(noise);
    reader.Feed(EncodeFrame(record));
    read += ReadAll(reader).size();
  }

  EXPECT_EQ(read, history.size());
}

TEST(FrameReaderTest, CutFileLeavesPendingBytes) {
  const std::string frame = EncodeFrame(History()[0]);
  FrameReader reader;
  reader.Feed(std::string_view(frame).substr(0, frame.size() - 1));

  EXPECT_EQ(reader.Next(), std::nullopt);
  EXPECT_EQ(reader.pending_bytes(), frame.size() - 1);
}

}  // namespace
}  // namespace ballast::record

#include "collector/pipeline/sequencer.h"

#include <gtest/gtest.h>

#include <vector>

#include "collector/record/codec.h"

namespace ballast::pipeline {
namespace {

using model::Field;

class SequencerTest : public ::testing::Test {
 protected:
  ManualClock clock_;
  std::vector<std::shared_ptr<const Published>> published_;
  Sequencer sequencer_{
      {"host", "boot"}, clock_, [this](const auto& record) { published_.push_back(record); }};
};

model::Event Born(std::uint32_t ref) {
  model::EntityRow row{model::EntityRef{ref}, model::EntityKind::kContainer, std::nullopt, {}, {}};
  row.fields.SetText(Field::kName, "web");
  return {model::EventKind::kWorkloadBorn, model::EntityRef{ref}, std::nullopt, {}, {row}};
}

TEST_F(SequencerTest, FirstRecordIsAKeySoThatAnyReaderCanBegin) {
  ASSERT_EQ(published_.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<model::Key>(published_[0]->record.body));
  EXPECT_EQ(published_[0]->record.header.sequence, 1U);
}

TEST_F(SequencerTest, SequenceHasNoHolesAndTimeIsTheClocks) {
  clock_.Advance(std::chrono::seconds(5));
  clock_.SetWallOffset(std::chrono::hours(1));
  sequencer_.Write(Born(1));

  const model::RecordHeader& header = published_.back()->record.header;
  EXPECT_EQ(header.sequence, 2U);
  EXPECT_EQ(header.at, std::chrono::seconds(5));
  EXPECT_EQ(header.wall_offset, std::chrono::hours(1));
}

TEST_F(SequencerTest, KeyHoldsAllThatWasWritten) {
  sequencer_.Write(Born(1));
  sequencer_.WriteKey();

  model::State late;
  late.Apply(published_.back()->record);
  EXPECT_EQ(late.Find(model::EntityRef{1})->fields.GetText(Field::kName), "web");
}

TEST_F(SequencerTest, FrameIsTheRecord) {
  EXPECT_EQ(*record::DecodeFrame(published_[0]->frame), published_[0]->record);
}

}  // namespace
}  // namespace ballast::pipeline

#include "collector/record/flight_recorder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "collector/base/file.h"
#include "collector/record/frame_reader.h"
#include "tests/support/synthetic_records.h"

namespace ballast::record {
namespace {

class FlightRecorderTest : public ::testing::Test {
 protected:
  FlightRecorderTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ballast-flight.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FlightRecorderTest() override { std::filesystem::remove_all(folder_); }

  // Destroying the recorder is what waits for its thread.
  void Record(FlightRecorderOptions options, const std::vector<model::Record>& records) {
    auto recorder = FlightRecorder::Open(std::move(options));
    ASSERT_TRUE(recorder) << recorder.error().ToString();
    for (const auto& record : records)
      (*recorder)->Append(EncodeFrame(record), std::holds_alternative<model::Key>(record.body));
  }
  static std::vector<model::Record> Read(const std::string& path) {
    FrameReader reader;
    reader.Feed(*ReadSmallFile(path, 1 << 30));
    std::vector<model::Record> records;
    while (auto record = reader.Next()) records.push_back(*std::move(record));
    return records;
  }

  std::string folder_;
};

TEST_F(FlightRecorderTest, WhatWasAppendedIsRead) {
  const auto history = test::SyntheticHost({.workloads = 5}).Run(50);

  Record({.path = folder_ + "/records"}, history);

  EXPECT_EQ(Read(folder_ + "/records"), history);
}

TEST_F(FlightRecorderTest, SecondRunAppends) {
  const auto history = test::SyntheticHost({.workloads = 1}).Run(5);

  Record({.path = folder_ + "/records"}, history);
  Record({.path = folder_ + "/records"}, history);

  EXPECT_EQ(Read(folder_ + "/records").size(), 2 * history.size());
}

TEST_F(FlightRecorderTest, SizeStaysBoundedAndEachFileBeginsWithAKey) {
  const auto history = test::SyntheticHost({.workloads = 20, .ticks_per_key = 10}).Run(500);

  Record({.path = folder_ + "/records", .max_bytes = 100'000}, history);

  for (const char* name : {"/records", "/records.1"}) {
    const auto records = Read(folder_ + name);
    ASSERT_FALSE(records.empty()) << name;
    EXPECT_TRUE(std::holds_alternative<model::Key>(records[0].body)) << name;
    // One interval between keys may go over the half.
    EXPECT_LT(std::filesystem::file_size(folder_ + name), 100'000U) << name;
  }
}

TEST_F(FlightRecorderTest, FullDiskDropsAndCounts) {
  auto recorder = FlightRecorder::Open({.path = "/dev/full"});
  ASSERT_TRUE(recorder) << recorder.error().ToString();
  const auto history = test::SyntheticHost().Run(3);
  for (const auto& record : history)
    (*recorder)->Append(EncodeFrame(record), std::holds_alternative<model::Key>(record.body));

  FlightRecorder::Counters counters;
  for (int i = 0; i < 1000 && counters.dropped_frames < history.size(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    counters = (*recorder)->counters();
  }

  EXPECT_EQ(counters.dropped_frames, history.size());
  EXPECT_EQ(counters.write_errors, 1U);
  EXPECT_EQ(counters.last_error, "/dev/full: No space left on device");
}

TEST_F(FlightRecorderTest, UnwritablePathSaysWhich) {
  const auto recorder = FlightRecorder::Open({.path = folder_ + "/absent/records"});

  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().ToString(),
            "flight recorder: " + folder_ + "/absent/records: No such file or directory");
}

}  // namespace
}  // namespace ballast::record

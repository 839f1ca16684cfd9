#include "collector/serve/record_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "collector/net/stream_client.h"
#include "collector/record/codec.h"
#include "tests/support/synthetic_records.h"
#include "tests/unit/collector/net/loop_support.h"

namespace ballast::serve {
namespace {

using namespace std::chrono_literals;
using net::RunUntil;

class RecordStreamTest : public ::testing::Test {
 protected:
  RecordStreamTest() {
    char name[] = "/tmp/ballast-records-XXXXXX";
    folder_ = ::mkdtemp(name);
    auto stream = RecordStream::Start(
        {.path = folder_ + "/records.sock"}, 64 << 20, registry_,
        [this](model::Record record) { submitted_.set_value(std::move(record)); });
    EXPECT_TRUE(stream) << stream.error().ToString();
    stream_ = *std::move(stream);
  }
  ~RecordStreamTest() override {
    stream_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Publish(const model::Record& record) {
    stream_->Publish({std::make_shared<const std::string>(record::EncodeFrame(record)),
                      std::make_shared<const model::Record>(record)});
  }
  double Submitted(const char* result) {
    return registry_.GetCounter(metrics::Metric::kSubmittedEvents, {result}).Value();
  }
  model::Record Event(model::EventKind kind) const {
    return {host_.state().header(), model::Event{kind, model::EntityRef{1}, {}, {}, {}}};
  }

  std::string folder_;
  metrics::Registry registry_;
  test::SyntheticHost host_{{.workloads = 3}};
  std::promise<model::Record> submitted_;
  std::unique_ptr<RecordStream> stream_;
  net::EventLoop loop_;
};

// A reader as the autoscaler is one.
struct Reader {
  Reader(net::EventLoop& loop, const std::string& path)
      : client(loop, {.path = path, .retry_first = 1ms, .retry_most = 5ms},
               {.on_up = {},
                .on_bytes =
                    [this](std::string_view bytes) {
                      frames.Feed(bytes);
                      while (auto record = frames.Next()) applied.push_back(state.Apply(*record));
                    },
                .on_down = [this](const Error&) { ++downs; }}) {}

  record::FrameReader frames;
  model::State state;
  std::vector<model::State::Applied> applied;
  int downs = 0;
  net::StreamClient client;
};

TEST_F(RecordStreamTest, LateReaderBeginsWithTheWholeStateAndMissesNothing) {
  for (const auto& record : host_.Run(10)) Publish(record);
  Reader reader(loop_, folder_ + "/records.sock");
  ASSERT_TRUE(RunUntil(loop_, [&] { return reader.state.is_whole(); }));

  for (int i = 0; i < 5; ++i) Publish(host_.NextTick());

  ASSERT_TRUE(RunUntil(
      loop_, [&] { return reader.state.header().sequence == host_.state().header().sequence; }));
  EXPECT_EQ(reader.state.ToKey(), host_.state().ToKey());
  EXPECT_THAT(reader.applied, ::testing::Each(model::State::Applied::kYes));
}

TEST_F(RecordStreamTest, ReaderThatCameFirstGetsTheFirstKey) {
  Reader reader(loop_, folder_ + "/records.sock");
  ASSERT_TRUE(RunUntil(loop_, [&] { return reader.client.is_connected(); }));

  Publish(host_.Key());

  EXPECT_TRUE(RunUntil(loop_, [&] { return reader.state.is_whole(); }));
}

TEST_F(RecordStreamTest, SubmittedDecisionIsHandedOn) {
  Reader reader(loop_, folder_ + "/records.sock");
  ASSERT_TRUE(RunUntil(loop_, [&] { return reader.client.is_connected(); }));

  ASSERT_TRUE(reader.client.Send(record::EncodeFrame(Event(model::EventKind::kDecision))));

  auto result = submitted_.get_future();
  ASSERT_EQ(result.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(std::get<model::Event>(result.get().body).kind, model::EventKind::kDecision);
  EXPECT_EQ(Submitted("accepted"), 1.0);
}

TEST_F(RecordStreamTest, EventThatOnlyTheCollectorMayWriteIsRefused) {
  Reader reader(loop_, folder_ + "/records.sock");
  ASSERT_TRUE(RunUntil(loop_, [&] { return reader.client.is_connected(); }));

  ASSERT_TRUE(reader.client.Send(record::EncodeFrame(Event(model::EventKind::kOomKill))));
  ASSERT_TRUE(reader.client.Send(record::EncodeFrame(host_.Key())));

  EXPECT_TRUE(RunUntil(loop_, [&] { return Submitted("refused") == 2.0; }));
  EXPECT_EQ(Submitted("accepted"), 0.0);
  EXPECT_EQ(reader.downs, 0);
}

struct Junk {
  const char* name;
  std::string bytes;
};
void PrintTo(const Junk& junk, std::ostream* out) {
  *out << junk.name;
}
class JunkTest : public RecordStreamTest, public ::testing::WithParamInterface<Junk> {};

TEST_P(JunkTest, SenderIsDisconnectedAndCounted) {
  Reader reader(loop_, folder_ + "/records.sock");
  ASSERT_TRUE(RunUntil(loop_, [&] { return reader.client.is_connected(); }));

  ASSERT_TRUE(reader.client.Send(GetParam().bytes));

  EXPECT_TRUE(RunUntil(loop_, [&] { return reader.downs == 1; }));
  EXPECT_EQ(Submitted("damaged"), 1.0);
}

INSTANTIATE_TEST_SUITE_P(Table, JunkTest,
                         ::testing::Values(Junk{"Http", "GET / HTTP/1.1\r\n\r\n\r\n"},
                                           Junk{"Zeros", std::string(64, '\0')},
                                           Junk{"DamagedFrame",
                                                [] {
                                                  auto frame = record::EncodeFrame(
                                                      test::SyntheticHost({.workloads = 1}).Key());
                                                  frame[20] = static_cast<char>(frame[20] ^ 1);
                                                  return frame;
                                                }()}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ballast::serve

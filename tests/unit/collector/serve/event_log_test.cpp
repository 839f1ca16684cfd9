#include "collector/serve/event_log.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/synthetic_records.h"

namespace ballast::serve {
namespace {

using model::EventKind;
using model::Field;

class EventLogTest : public ::testing::Test {
 protected:
  void Add(EventLog& log, EventKind kind, model::EntityRef subject, std::string_view text = "") {
    model::Event event{kind, subject, {}, {}, {}};
    if (!text.empty()) event.fields.SetText(Field::kText, text);
    model::Record record{host_.state().header(), event};
    record.header.sequence = ++sequence_;
    log.Add(record, event, host_.state());
  }
  static std::vector<std::int64_t> Sequences(const EventLog& log, const EventLog::Filter& filter) {
    std::vector<std::int64_t> sequences;
    const auto events = boost::json::parse(log.Write(filter));
    for (const auto& event : events.as_array())
      sequences.push_back(event.at("sequence").to_number<std::int64_t>());
    return sequences;
  }

  test::SyntheticHost host_{{.workloads = 2}};
  std::uint64_t sequence_ = 100;
};

TEST_F(EventLogTest, NewestComesFirstWithItsWorkloadsName) {
  EventLog log;
  Add(log, EventKind::kThrottleBegin, model::EntityRef{1});
  Add(log, EventKind::kDecision, model::EntityRef{2}, "raised");

  const auto events = boost::json::parse(log.Write({}));

  ASSERT_EQ(events.as_array().size(), 2U);
  EXPECT_EQ(events.at(0).at("kind"), "decision");
  EXPECT_EQ(events.at(0).at("subject").at("name"), "agent-2");
  EXPECT_EQ(events.at(0).at("fields").at("text"), "raised");
}

TEST_F(EventLogTest, FilterTakesKindWorkloadAndLimit) {
  EventLog log;
  Add(log, EventKind::kDecision, model::EntityRef{1});       // 101
  Add(log, EventKind::kThrottleBegin, model::EntityRef{1});  // 102
  Add(log, EventKind::kDecision, model::EntityRef{2});       // 103
  Add(log, EventKind::kDecision, model::EntityRef{1});       // 104

  EXPECT_EQ(Sequences(log, {.kinds = {EventKind::kDecision}}),
            (std::vector<std::int64_t>{104, 103, 101}));
  EXPECT_EQ(Sequences(log, {.kinds = {}, .workload = "agent-2"}), (std::vector<std::int64_t>{103}));
  EXPECT_EQ(Sequences(log, {.kinds = {}, .workload = "/ballast-demo/agent-1", .limit = 2}),
            (std::vector<std::int64_t>{104, 102}));
}

TEST_F(EventLogTest, OldestGoAtTheBoundOfCountOrBytes) {
  EventLog few({.max_events = 2});
  EventLog small({.max_events = 100, .max_bytes = 1500});
  for (int i = 0; i < 3; ++i) Add(few, EventKind::kDecision, model::EntityRef{1});
  for (int i = 0; i < 3; ++i)
    Add(small, EventKind::kDecision, model::EntityRef{1}, std::string(600, 'x'));

  EXPECT_EQ(Sequences(few, {}), (std::vector<std::int64_t>{103, 102}));
  EXPECT_EQ(Sequences(small, {}), (std::vector<std::int64_t>{106}));
}

TEST_F(EventLogTest, StormOfOneSortDoesNotPushOutTheOthers) {
  EventLog log({.max_events = 3});
  Add(log, EventKind::kDecision, model::EntityRef{1});  // 101
  Add(log, EventKind::kToolCall, model::EntityRef{1});  // 102
  for (int i = 0; i < 50; ++i) Add(log, EventKind::kThrottleBegin, model::EntityRef{2});

  EXPECT_EQ(Sequences(log, {}), (std::vector<std::int64_t>{152, 151, 150, 102, 101}));
}

}  // namespace
}  // namespace ballast::serve

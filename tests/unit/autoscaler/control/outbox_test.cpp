#include "autoscaler/control/outbox.h"

#include <gtest/gtest.h>

#include <vector>

namespace ballast::control {
namespace {

using model::Field;

model::Event Numbered(std::uint64_t id) {
  model::Event event;
  event.fields.Set(Field::kDecisionId, id);
  return event;
}

TEST(OutboxTest, EventsGoInOrderAndAreNotLate) {
  Outbox outbox;
  outbox.Push(Numbered(1));
  outbox.Push(Numbered(2));
  std::vector<model::Event> sent;
  outbox.Drain([&](const model::Event& event) {
    sent.push_back(event);
    return true;
  });

  EXPECT_EQ(sent, (std::vector<model::Event>{Numbered(1), Numbered(2)}));
  EXPECT_EQ(outbox.waiting(), 0U);
}

TEST(OutboxTest, WhatHadToWaitIsMarkedLate) {
  Outbox outbox;
  outbox.Push(Numbered(1));
  outbox.Drain([](const model::Event&) { return false; });
  std::vector<model::Event> sent;
  outbox.Drain([&](const model::Event& event) {
    sent.push_back(event);
    return true;
  });

  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].fields.Get(Field::kLate), 1U);
}

TEST(OutboxTest, TheOldestIsDroppedAndCounted) {
  Outbox outbox(2);
  for (std::uint64_t id = 1; id <= 3; ++id) outbox.Push(Numbered(id));
  std::vector<model::Event> sent;
  outbox.Drain([&](const model::Event& event) {
    sent.push_back(event);
    return true;
  });

  EXPECT_EQ(sent, (std::vector<model::Event>{Numbered(2), Numbered(3)}));
  EXPECT_EQ(outbox.dropped(), 1U);
}

}  // namespace
}  // namespace ballast::control

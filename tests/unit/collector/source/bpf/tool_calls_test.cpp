#include "collector/source/bpf/tool_calls.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "bpf/abi/event_abi.h"
#include "collector/model/field.h"

namespace ballast::source {
namespace {

using namespace std::chrono_literals;
using model::Field;

constexpr Slot kSlot = 3;

class ToolCallsTest : public ::testing::Test {
 protected:
  ToolCallsTest() { tools_.Track(kSlot); }

  std::optional<SourceEvent> Begin(std::uint64_t span, BootTime at) {
    return tools_.Begin(Event(KernelEventKind::kToolBegin, span, at));
  }
  std::optional<SourceEvent> End(std::uint64_t span, BootTime at) {
    return tools_.Take(Event(KernelEventKind::kToolCall, span, at));
  }

  ToolCalls tools_{false};

 private:
  KernelEvent Event(KernelEventKind kind, std::uint64_t span, BootTime at) {
    tool_ = {};
    tool_.span = span;
    tool_.start_ns = 1;
    std::strcpy(tool_.file, "/usr/bin/pytest");
    std::memcpy(tool_.args, "pytest\0", 7);
    tool_.args_length = 7;
    return {.kind = kind, .slot = kSlot, .at = at, .tool = &tool_};
  }
  evt_tool tool_{};
};

TEST_F(ToolCallsTest, BeginHasTheNameAndTheSpanThatItsEndHas) {
  const auto begin = Begin(7, 10s);
  const auto end = End(7, 11s);

  ASSERT_TRUE(begin && end);
  EXPECT_EQ(begin->kind, model::EventKind::kToolBegin);
  EXPECT_EQ(begin->fields.GetText(Field::kProgram), "pytest");
  EXPECT_EQ(begin->fields.GetText(Field::kProgram), end->fields.GetText(Field::kProgram));
  EXPECT_EQ(begin->fields.Get(Field::kSpanId), end->fields.Get(Field::kSpanId));
}

TEST_F(ToolCallsTest, BeginsBeyondTheBurstAreLeftOutAndCounted) {
  constexpr auto kMost = static_cast<std::uint64_t>(ToolCalls::kBurst);

  std::uint64_t told = 0;
  for (std::uint64_t span = 1; span <= 2 * kMost; ++span) told += Begin(span, 10s) ? 1 : 0;

  EXPECT_EQ(told, kMost);
  EXPECT_EQ(tools_.begins_left_out(), kMost);
}

// Who was told of its begin waits for its end.
TEST_F(ToolCallsTest, EndOfWhatWasToldIsToldThoughTheRateIsUsedUp) {
  ASSERT_TRUE(Begin(1, 10s));
  for (std::uint64_t span = 1000; Begin(span, 10s); ++span) {
  }
  ASSERT_FALSE(End(2, 10s)) << "never begun, and nothing is left for it";

  EXPECT_TRUE(End(1, 10s));
}

TEST_F(ToolCallsTest, BeginsOfAWorkloadThatIsGoneAreNotTold) {
  tools_.Forget(kSlot);

  EXPECT_FALSE(Begin(1, 10s));
}

}  // namespace
}  // namespace ballast::source

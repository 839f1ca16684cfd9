#include "collector/pipeline/tick_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace ballast::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(TickLoopTest, TicksUntilStopped) {
  auto loop = TickLoop::Make(1ms);
  ASSERT_TRUE(loop) << loop.error().ToString();
  int ticks = 0;

  (*loop)->Run([&] {
    if (++ticks == 3) (*loop)->Stop();
  });

  EXPECT_EQ(ticks, 3);
}

TEST(TickLoopTest, PostedCallsRunOnTheLoopsThreadInOrder) {
  auto loop = TickLoop::Make(1h);
  std::vector<int> order;
  std::thread::id thread;
  std::jthread poster([&] {
    (*loop)->Post([&] { order.push_back(1); });
    (*loop)->Post([&] {
      order.push_back(2);
      thread = std::this_thread::get_id();
      (*loop)->Stop();
    });
  });

  (*loop)->Run([] {});

  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST(TickLoopTest, ReadableDescriptorIsHandled) {
  auto loop = TickLoop::Make(1h);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Fd read_end(ends[0]);
  const Fd write_end(ends[1]);
  char got = 0;
  ASSERT_TRUE((*loop)->Watch(read_end.get(), [&] {
    ASSERT_EQ(::read(read_end.get(), &got, 1), 1);
    (*loop)->Stop();
  }));
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);

  (*loop)->Run([] {});

  EXPECT_EQ(got, 'x');
}

TEST(TickLoopTest, LateThreadSkipsTicksInsteadOfHurrying) {
  auto loop = TickLoop::Make(1ms);
  int ticks = 0;

  (*loop)->Run([&] {
    if (++ticks == 1) std::this_thread::sleep_for(20ms);
    if (ticks == 2) (*loop)->Stop();
  });

  EXPECT_GE((*loop)->missed_ticks(), 10U);
}

}  // namespace
}  // namespace ballast::pipeline

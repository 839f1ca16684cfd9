#include "autoscaler/actuate/side_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace ballast::actuate {
namespace {

using namespace std::chrono_literals;

TEST(SideThreadTest, WhatACallWroteIsSeenOnceItHasEnded) {
  SideThread aside("test");
  EXPECT_FALSE(aside.is_busy());
  int result = 0;

  for (int i = 1; i <= 3; ++i) {
    aside.Begin([&result, i] { result = i; });
    ASSERT_TRUE(aside.Wait(10s));
    EXPECT_EQ(result, i);
  }
}

TEST(SideThreadTest, ACallThatHangsIsNotWaitedFor) {
  const auto gate = std::make_shared<std::promise<void>>();
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  {
    SideThread aside("test");
    aside.Begin([gate, ended] {
      gate->get_future().wait();
      *ended = true;
    });
    EXPECT_FALSE(aside.Wait(1ms));
    EXPECT_TRUE(aside.is_busy());
  }
  EXPECT_FALSE(*ended);

  gate->set_value();
  for (int i = 0; i < 10'000 && !*ended; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(*ended);
}

}  // namespace
}  // namespace ballast::actuate

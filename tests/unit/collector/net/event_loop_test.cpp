#include "collector/net/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "collector/base/fd.h"
#include "loop_support.h"

namespace ballast::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(EventLoopTest, PostedWorkRunsOnTheLoopsThreadInOrder) {
  EventLoop loop;
  std::vector<int> order;
  std::thread::id ran_on;

  std::thread other([&] {
    loop.Post([&] { order.push_back(1); });
    loop.Post([&] {
      order.push_back(2);
      ran_on = std::this_thread::get_id();
      loop.Stop();
    });
  });
  loop.Run();
  other.join();

  EXPECT_THAT(order, ElementsAre(1, 2));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(EventLoopTest, RunsAgainAfterStop) {
  EventLoop loop;
  int runs = 0;

  for (int i = 0; i < 2; ++i) {
    loop.Post([&] {
      ++runs;
      loop.Stop();
    });
    loop.Run();
  }

  EXPECT_EQ(runs, 2);
}

TEST(EventLoopTest, TimerThatWasDestroyedStaysSilent) {
  EventLoop loop;
  bool fired = false;
  auto timer = loop.After(1ms, [&] { fired = true; });

  timer.reset();
  const auto end = loop.After(20ms, [&] { loop.Stop(); });
  loop.Run();

  EXPECT_FALSE(fired);
}

TEST(EventLoopTest, TimerMayDestroyItselfInItsOwnCallback) {
  EventLoop loop;
  int beats = 0;
  EventLoop::Handle timer = loop.Every(1ms, [&] {
    ++beats;
    timer.reset();
  });

  const auto end = loop.After(20ms, [&] { loop.Stop(); });
  loop.Run();

  EXPECT_EQ(beats, 1);
}

TEST(EventLoopTest, BeatsMissedByALongCallbackAreLeftOut) {
  EventLoop loop;
  std::vector<std::chrono::steady_clock::time_point> beats;
  const auto timer = loop.Every(10ms, [&] {
    beats.push_back(std::chrono::steady_clock::now());
    if (beats.size() == 1) std::this_thread::sleep_for(55ms);
    if (beats.size() == 4) loop.Stop();
  });

  loop.Run();

  // Made up for, they would follow one another at once. The first of these two
  // may be late, the second comes at its own time: a whole period lies between.
  EXPECT_GE(beats[3] - beats[1], 10ms);
}

TEST(EventLoopTest, ReadableDescriptorCallsUntilItIsDrained) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  int calls = 0;
  auto watch = loop.WatchFd(reader.get(), [&] {
    char byte;
    EXPECT_EQ(::read(reader.get(), &byte, 1), 1);
    ++calls;
  });
  ASSERT_TRUE(watch) << watch.error().ToString();

  ASSERT_EQ(::write(writer.get(), "abc", 3), 3);

  EXPECT_TRUE(RunUntil(loop, [&] { return calls == 3; }));
}

TEST(EventLoopTest, WatchingAFileIsAnErrorThatNamesTheDescriptor) {
  EventLoop loop;

  const auto watch = loop.WatchFd(-1, [] {});

  ASSERT_FALSE(watch);
  EXPECT_THAT(watch.error().ToString(), ::testing::HasSubstr("watch descriptor -1"));
}

TEST(EventLoopTest, SignalArrivesAsACall) {
  EventLoop loop;
  int got = 0;
  const auto watch = loop.OnSignals({SIGUSR1}, [&](int signal) { got = signal; });

  ASSERT_EQ(::raise(SIGUSR1), 0);

  EXPECT_TRUE(RunUntil(loop, [&] { return got == SIGUSR1; }));
}

}  // namespace
}  // namespace ballast::net

// Real processes, so real time; the waits here are the timeouts under test.

#include "autoscaler/actuate/lease.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>

namespace ballast::actuate {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  int status = -1;
  std::string why;  // empty: nothing was released
};

Outcome RunLeased(const std::function<int(Heartbeat&)>& work,
                  std::chrono::milliseconds timeout = 2s) {
  Outcome outcome;
  outcome.status =
      RunUnderLease({.timeout = timeout}, work, [&](std::string_view why) { outcome.why = why; });
  return outcome;
}

TEST(LeaseTest, AChildThatEndsByItselfKeepsItsStatusAndReleasesNothing) {
  const Outcome got = RunLeased([](Heartbeat&) { return 2; });

  EXPECT_EQ(got.status, 2);
  EXPECT_EQ(got.why, "");
}

TEST(LeaseTest, AKilledChildReleases) {
  const Outcome got = RunLeased([](Heartbeat&) {
    ::kill(::getpid(), SIGKILL);
    return 0;
  });

  EXPECT_EQ(got.status, 128 + SIGKILL);
  EXPECT_EQ(got.why, "the autoscaler died");
}

TEST(LeaseTest, ASilentChildIsEndedAndReleases) {
  const Outcome got = RunLeased(
      [](Heartbeat&) {
        ::pause();
        return 0;
      },
      100ms);

  EXPECT_EQ(got.status, 3);
  EXPECT_EQ(got.why, "the autoscaler stopped answering");
}

TEST(LeaseTest, HeartbeatsKeepTheLease) {
  const Outcome got = RunLeased(
      [](Heartbeat& beat) {
        for (int i = 0; i < 20; ++i) {
          beat.Beat();
          ::usleep(20'000);  // 400 ms in all, twice the lease
        }
        return 0;
      },
      200ms);

  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.why, "");
}

TEST(LeaseTest, ATerminationIsPassedOnAndACleanEndReleasesNothing) {
  const Outcome got = RunLeased([](Heartbeat&) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::kill(::getppid(), SIGTERM);
    int signal = 0;
    ::sigwait(&set, &signal);
    return 0;
  });

  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.why, "");
}

TEST(LeaseTest, AHangUpIsPassedOnAndEndsNothing) {
  const Outcome got = RunLeased([](Heartbeat&) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    ::signal(SIGHUP, SIG_DFL);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::kill(::getppid(), SIGHUP);
    int signal = 0;
    ::sigwait(&set, &signal);
    return 0;
  });

  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.why, "");
}

TEST(LeaseTest, AChildThatIgnoresTerminationIsEndedAndReleases) {
  const Outcome got = RunLeased(
      [](Heartbeat& beat) {
        ::signal(SIGTERM, SIG_IGN);
        ::kill(::getppid(), SIGTERM);
        for (;;) {
          beat.Beat();
          ::usleep(10'000);
        }
        return 0;
      },
      150ms);

  EXPECT_EQ(got.status, 3);
  EXPECT_EQ(got.why, "the autoscaler did not end when told to");
}

}  // namespace
}  // namespace ballast::actuate

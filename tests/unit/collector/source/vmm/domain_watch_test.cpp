#include "collector/source/vmm/domain_watch.h"

#include <gtest/gtest.h>

namespace ballast::source {
namespace {

using namespace std::chrono_literals;

// libvirt's own test driver has one domain.
constexpr const char* kUuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

TEST(DomainWatchTest, DomainIsFoundOnceLibvirtHasAnswered) {
  const auto watch = DomainWatch::Start({.uri = "test:///default", .sockets = {}, .period = 10ms});

  std::optional<runtime::Domain> domain;
  for (int i = 0; i < 1000 && !domain; ++i) {
    domain = watch->Find(kUuid);
    std::this_thread::sleep_for(10ms);
  }

  ASSERT_TRUE(domain);
  EXPECT_EQ(domain->name, "test");
}

TEST(DomainWatchTest, NobodyIsAskedWhereNoDaemonListens) {
  const auto watch = DomainWatch::Start(
      {.uri = "test:///default", .sockets = {"/nonexistent/libvirt-sock-ro"}, .period = 1ms});

  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(watch->Find(kUuid));
    std::this_thread::sleep_for(2ms);
  }
}

}  // namespace
}  // namespace ballast::source

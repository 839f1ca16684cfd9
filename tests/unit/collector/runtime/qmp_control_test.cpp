#include "collector/runtime/qmp_control.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/unix_server.h"

namespace ballast::runtime {
namespace {

constexpr const char* kGreeting = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

std::string Says(const std::string& json) {
  return "{\"return\": " + json + "}\r\n";
}

TEST(QmpControlTest, WhatQemuRefusesIsAnErrorInItsOwnWords) {
  const test::UnixServer qemu(
      [](const std::string& asked) {
        return asked.find("capabilities") != std::string::npos
                   ? Says("{}")
                   : "{\"error\": {\"class\": \"DeviceNotActive\", \"desc\": \"No balloon "
                     "device\"}}\r\n";
      },
      kGreeting, true);
  auto control = QmpControl::Open(qemu.path());
  ASSERT_TRUE(control) << control.error().ToString();

  EXPECT_EQ(control->pid(), ::getpid());
  EXPECT_EQ(control->SetBalloon(1).error().ToString(),
            "balloon: No balloon device (DeviceNotActive)");
  EXPECT_EQ(*control->Balloon(), std::nullopt);
}

TEST(QmpControlTest, AGuestThatTellsNothingIsNotKnown) {
  const test::UnixServer qemu(
      [](const std::string& asked) {
        if (asked.find("qom-list") != std::string::npos)
          return Says(
              "[{\"name\": \"type\", \"type\": \"string\"}, "
              "{\"name\": \"b0\", \"type\": \"child<virtio-balloon-pci>\"}]");
        if (asked.find("qom-get") != std::string::npos)
          return Says(
              "{\"stats\": {\"stat-available-memory\": 18446744073709551615, "
              "\"stat-free-memory\": 5000}, \"last-update\": 1}");
        return Says("{}");
      },
      kGreeting, true);
  auto control = QmpControl::Open(qemu.path());

  EXPECT_EQ(*control->GuestAvailable(), 5000);
}

TEST(QmpControlTest, CpusArePluggedFromTheLowestFreeSlot) {
  std::string added;
  const test::UnixServer qemu(
      [&](const std::string& asked) {
        if (asked.find("query-hotpluggable-cpus") != std::string::npos)
          return Says(
              "[{\"type\": \"max-x86_64-cpu\", \"vcpus-count\": 1, \"props\": {\"socket-id\": 2}}, "
              "{\"type\": \"max-x86_64-cpu\", \"vcpus-count\": 1, \"props\": {\"socket-id\": 1}}, "
              "{\"type\": \"max-x86_64-cpu\", \"vcpus-count\": 1, \"props\": {\"socket-id\": 0}, "
              "\"qom-path\": \"/machine/unattached/device[0]\"}]");
        if (asked.find("device_add") != std::string::npos) added = asked;
        return Says("{}");
      },
      kGreeting, true);
  auto control = QmpControl::Open(qemu.path());

  const auto cpus = control->Cpus();
  EXPECT_TRUE(control->SetCpus(2));

  EXPECT_EQ(cpus->plugged, 1);
  EXPECT_EQ(cpus->possible, 3);
  EXPECT_NE(added.find("\"driver\":\"max-x86_64-cpu\",\"id\":\"ballast-cpu-1\",\"socket-id\":1"),
            std::string::npos)
      << added;
}

}  // namespace
}  // namespace ballast::runtime

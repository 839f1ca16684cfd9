// Which rows a page has: children of workloads, bounds, tenants, what comes from events.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/export/page_support.h"

namespace ballast::exposition {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::EntityRow;
using model::Event;
using model::EventKind;
using model::Field;
using test::ContainerRow;
using test::Row;
using test::StateOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr auto At = [](Group group) { return static_cast<std::size_t>(group); };

EntityRow Device(std::uint32_t ref, std::uint32_t parent, const char* name, std::uint64_t bytes) {
  EntityRow row = Row(ref, EntityKind::kDevice, parent);
  row.fields.SetText(Field::kName, name);
  row.fields.Set(Field::kIoReadBytes, bytes);
  return row;
}

EntityRow Blame(std::uint32_t ref, std::uint32_t parent, std::uint32_t holder, std::uint64_t ns) {
  EntityRow row = Row(ref, EntityKind::kBlame, parent);
  row.fields.Set(Field::kHolder, holder);
  row.fields.Set(Field::kBlameWaitNs, ns);
  return row;
}

EntityRow Named(std::uint32_t ref, const char* path, const char* tenant) {
  EntityRow row = ContainerRow(ref, path);
  row.fields.SetText(Field::kName, path + 1);
  row.fields.SetText(Field::kNamespace, tenant);
  return row;
}

TEST(FamilyRowsTest, DeviceWithANameStandsAsItsNode) {
  StateOf state({ContainerRow(1, "/a"), Device(2, 1, "sda", 4096)});

  EXPECT_THAT(state.Page(), HasSubstr("namespace=\"\",device=\"/dev/sda\"} 4096\n"));
}

TEST(FamilyRowsTest, OnlyTheBusiestDevicesAreShownAndTheRestIsCounted) {
  StateOf state({ContainerRow(1, "/a"), Device(2, 1, "idle", 1), Device(3, 1, "busy", 9),
                 Device(4, 1, "middle", 5)},
                {.devices = {.per_workload = 2, .total = 100}});

  const auto page = state.Page();

  EXPECT_THAT(page, HasSubstr("device=\"/dev/busy\""));
  EXPECT_THAT(page, HasSubstr("device=\"/dev/middle\""));
  EXPECT_THAT(page, Not(HasSubstr("device=\"/dev/idle\"")));
  EXPECT_EQ(state.exposition().left_out().over_limit[At(Group::kDevice)], 1U);
}

TEST(FamilyRowsTest, BoundOfAFamilyKeepsTheBusiestOfAllWorkloads) {
  StateOf state(
      {ContainerRow(1, "/a"), ContainerRow(2, "/b"), Device(3, 1, "x", 1), Device(4, 2, "y", 9)},
      {.devices = {.per_workload = 5, .total = 1}});

  const auto page = state.Page();

  EXPECT_THAT(page, HasSubstr("device=\"/dev/y\""));
  EXPECT_THAT(page, Not(HasSubstr("device=\"/dev/x\"")));
  EXPECT_EQ(state.exposition().left_out().over_limit[At(Group::kDevice)], 1U);
}

TEST(FamilyRowsTest, BlameNamesWhoHeldTheCpu) {
  StateOf state({Named(1, "/a", ""), Named(2, "/b", ""), Blame(3, 1, 2, 1'500'000'000),
                 Blame(4, 1, 0, 500'000'000)});

  const auto page = state.Page();

  EXPECT_THAT(page, HasSubstr("ballast_blame_wait_seconds_total{id=\"/a\""));
  EXPECT_THAT(page, HasSubstr("holder_id=\"/b\",holder_name=\"b\"} 1.5\n"));
  EXPECT_THAT(page, HasSubstr("holder_id=\"/\",holder_name=\"host\"} 0.5\n"));
}

TEST(FamilyRowsTest, TenantSeesItsOwnAndNobodyElse) {
  StateOf state({Named(1, "/a", "red"), Named(2, "/b", "blue"), Named(3, "/c", "blue"),
                 Device(4, 2, "secret", 7), Blame(5, 1, 2, 1'000'000'000),
                 Blame(6, 1, 3, 2'000'000'000)});

  const auto page = state.Page(Format::kText, Scope{Field::kNamespace, "red"});

  EXPECT_THAT(page, HasSubstr("container_last_seen{id=\"/a\""));
  EXPECT_THAT(page, HasSubstr("holder_id=\"other\",holder_name=\"other\"} 3\n"));
  for (const char* hidden : {"\"/b\"", "\"/c\"", "blue", "secret", "id=\"/\"", "machine_"})
    EXPECT_THAT(page, Not(HasSubstr(hidden)));
}

TEST(FamilyRowsTest, VmStandsUnderItsOwnAndLibvirtsNames) {
  EntityRow vm = ContainerRow(1, "/vm", EntityKind::kVm);
  vm.fields.SetText(Field::kGuestName, "web-1");
  vm.fields.Set(Field::kVmResidentBytes, 4096);
  EntityRow vcpu = Row(2, EntityKind::kVcpu, 1);
  vcpu.fields.Set(Field::kVcpuIndex, 3);
  vcpu.fields.Set(Field::kVcpuStealNs, 2'000'000'000);

  const auto page = StateOf({vm, vcpu}).Page();

  EXPECT_THAT(page, HasSubstr("vm_resident_bytes{id=\"/vm\""));
  EXPECT_THAT(page, HasSubstr("vcpu=\"3\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("libvirt_domain_memory_stats_rss_bytes{domain=\"web-1\"} 4096\n"));
  EXPECT_THAT(page, HasSubstr("libvirt_domain_vcpu_delay_seconds_total{domain=\"web-1\","
                              "vcpu=\"3\"} 2\n"));
}

TEST(FamilyRowsTest, OomKillsAreCountedByCauseFromZero) {
  EntityRow row = ContainerRow(1, "/a");
  row.fields.Set(Field::kOomKills, 0);
  StateOf state({row});
  const auto before = state.Page();
  Event kill{EventKind::kOomKill, EntityRef{1}, {}, {}, {}};
  kill.fields.SetText(Field::kOomCause, "ancestor");

  state.Apply(kill);

  EXPECT_THAT(before, HasSubstr("cause=\"ancestor\"} 0\n"));
  EXPECT_THAT(state.Page(), HasSubstr("cause=\"ancestor\"} 1\n"));
  EXPECT_THAT(state.Page(), HasSubstr("cause=\"own_limit\"} 0\n"));
}

TEST(FamilyRowsTest, AppliedActuationsAreCountedByDirection) {
  StateOf state({ContainerRow(1, "/a")});
  Event write{EventKind::kActuation, EntityRef{1}, {}, {}, {}};
  write.fields.SetText(Field::kOutcome, "applied");
  write.fields.Set(Field::kPreviousCpuMillicores, 500);
  write.fields.Set(Field::kLimitCpuMillicores, 900);

  state.Apply(write);

  EXPECT_THAT(state.Page(), HasSubstr("resource=\"cpu\",direction=\"up\"} 1\n"));
  EXPECT_THAT(state.Page(), HasSubstr("resource=\"cpu\",direction=\"down\"} 0\n"));
}

TEST(FamilyRowsTest, PeakBetweenTwoScrapesIsSeen) {
  StateOf state({ContainerRow(1, "/a")});
  const auto tick = [](std::uint64_t bytes, std::uint64_t cpu_ns) {
    EntityRow row{EntityRef{1}, {}, {}, {}, {}};
    row.fields.Set(Field::kMemoryTickPeakBytes, bytes);
    row.fields.Set(Field::kCpuPeak100msNs, cpu_ns);
    return model::Tick{{row}, {}};
  };

  state.Apply(tick(900, 150'000'000), 1s);
  state.Apply(tick(100, 10'000'000), 13s);
  const auto soon = state.Page();
  state.Apply(tick(100, 10'000'000), 20s);
  state.Apply(tick(100, 10'000'000), 20s);

  EXPECT_THAT(soon, HasSubstr("namespace=\"\"} 900\n"));
  EXPECT_THAT(soon, HasSubstr("window=\"100ms\"} 1.5\n"));
  EXPECT_THAT(state.Page(), HasSubstr("window=\"100ms\"} 0.1\n"));
}

}  // namespace
}  // namespace ballast::exposition

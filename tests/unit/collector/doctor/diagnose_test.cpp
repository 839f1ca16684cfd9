#include "collector/doctor/diagnose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>

#include "collector/doctor/report.h"

namespace ballast::doctor {
namespace {

using source::Via;

// A host where nothing is missing.
Examined Healthy() {
  Examined examined;
  HostFacts& facts = examined.facts;
  facts.kernel.release = "6.12.1";
  facts.kernel.btf_readable = true;
  facts.kernel.psi_on = true;
  facts.capabilities = ~std::uint64_t{0};
  facts.layout.hierarchies = {
      {.id = 0, .is_v2 = true, .mount_point = "/sys/fs/cgroup", .controllers = {}}};
  facts.v2_controllers = facts.v2_enabled = {"cpu", "memory", "io", "pids"};
  facts.open_files = 1'000'000;
  facts.sockets = {{"docker", "/run/docker.sock", true}};
  facts.kvm = true;
  examined.choices = {{"cpu usage", Via::kBpf, ""}, {"pressure", Via::kBpf, ""}};
  examined.programs = {{.name = "wlk_on_cgroup", .attached = true, .because = ""}};
  return examined;
}

const Finding& CheckOf(const Report& report, const std::string& what) {
  return *std::ranges::find(report.checks, what, &Finding::what);
}

TEST(DiagnoseTest, NothingIsMissingOnAHealthyHost) {
  const Report report = Diagnose(Healthy());

  EXPECT_FALSE(report.anything_missing());
  for (const Finding& check : report.checks) EXPECT_EQ(check.status, Status::kOk) << check.what;
}

struct Lack {
  const char* name;
  std::function<void(Examined&)> make;
  const char* check;
  Status status;
  const char* advice;  // a part of it
};

class LackTest : public ::testing::TestWithParam<Lack> {};

TEST_P(LackTest, IsFoundWithAdvice) {
  Examined examined = Healthy();
  GetParam().make(examined);

  const Report report = Diagnose(examined);

  EXPECT_EQ(CheckOf(report, GetParam().check).status, GetParam().status);
  EXPECT_NE(CheckOf(report, GetParam().check).advice.find(GetParam().advice), std::string::npos);
  EXPECT_EQ(report.anything_missing(), GetParam().status == Status::kMissing);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, LackTest, ::testing::Values(
    Lack{"NoBtf", [](Examined& e) { e.facts.kernel.btf_readable = false; }, "kernel BTF", Status::kMissing, "CONFIG_DEBUG_INFO_BTF"},
    Lack{"NoCapability", [](Examined& e) { e.facts.capabilities = 1ULL << 38; }, "CAP_BPF", Status::kMissing, "ballast-collector.service"},
    Lack{"PsiOff", [](Examined& e) { e.facts.kernel.psi_on = false; }, "pressure stall information", Status::kMissing, "psi=1"},
    Lack{"NoCgroups", [](Examined& e) { e.facts.layout_problem = "no cgroup mount"; }, "cgroups", Status::kMissing, "mount cgroup2"},
    Lack{"NoMemoryController", [](Examined& e) { e.facts.v2_controllers = {"cpu", "io", "pids"}; }, "controller memory", Status::kMissing, "cgroup_disable=memory"},
    Lack{"IoNotEnabled", [](Examined& e) { e.facts.v2_enabled = {"cpu", "memory", "pids"}; }, "controller io", Status::kNote, "+io"},
    Lack{"ProgramRefused", [](Examined& e) { e.programs[0] = {.name = "wlk_on_cgroup", .attached = false, .because = "no cgroup iterator"}; }, "BPF programs", Status::kMissing, "measures more"},
    Lack{"NotStarted", [](Examined& e) { e.programs.clear(); e.start_problem = "EPERM"; }, "BPF programs", Status::kMissing, "sources.bpf"},
    Lack{"FewFiles", [](Examined& e) { e.facts.open_files = 1024; }, "open files", Status::kNote, "LimitNOFILE"},
    Lack{"NoSocket", [](Examined& e) { e.facts.sockets[0].exists = false; }, "runtime sockets", Status::kNote, "runtime.sockets"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(DiagnoseTest, OneOfTheTwoVictimProgramsIsEnough) {
  Examined examined = Healthy();
  examined.programs.push_back(
      {.name = "oom_on_victim_pid", .attached = false, .because = "no pid"});

  EXPECT_FALSE(Diagnose(examined).anything_missing());
}

TEST(DiagnoseTest, AbsentSignalIsMissingAndSaysWhatToDo) {
  Examined examined = Healthy();
  examined.choices[1] = {"pressure", Via::kAbsent, "PSI is off; boot with psi=1"};

  const Report report = Diagnose(examined);

  EXPECT_TRUE(report.anything_missing());
  EXPECT_EQ(report.signals[1].advice, "boot with psi=1");
}

TEST(DiagnoseTest, SysAdminStandsForTheBpfCapabilitiesOnly) {
  Examined examined = Healthy();
  examined.facts.capabilities = 1ULL << 21;

  const Report report = Diagnose(examined);

  EXPECT_EQ(CheckOf(report, "CAP_BPF").status, Status::kOk);
  EXPECT_EQ(CheckOf(report, "CAP_PERFMON").status, Status::kOk);
  EXPECT_EQ(CheckOf(report, "CAP_SYS_PTRACE").status, Status::kMissing);
}

TEST(ReportTest, TextNamesSignalsChecksAndAdvice) {
  Examined examined = Healthy();
  examined.facts.kernel.psi_on = false;

  const std::string text = ToText(Diagnose(examined));

  EXPECT_NE(text.find("bpf      cpu usage"), std::string::npos) << text;
  EXPECT_NE(text.find("missing  pressure stall information"), std::string::npos) << text;
  EXPECT_NE(text.find("-> boot with psi=1"), std::string::npos) << text;
}

TEST(ReportTest, JsonHasTheVerdict) {
  EXPECT_NE(ToJson(Diagnose(Healthy())).find("\"missing\":false"), std::string::npos);
}

// The unit grants what is needed and nothing else.
TEST(CapabilityTest, TheUnitGrantsExactlyTheNeededOnes) {
  std::ifstream in(BALLAST_UNIT);
  const std::string unit{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = unit.find("CapabilityBoundingSet=") + 22;
  std::string wanted;
  for (const Capability& capability : NeededCapabilities())
    wanted += (wanted.empty() ? "" : " ") + std::string(capability.name);

  EXPECT_EQ(unit.substr(begin, unit.find('\n', begin) - begin), wanted);
}

}  // namespace
}  // namespace ballast::doctor

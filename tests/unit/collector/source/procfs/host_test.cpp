#include <gtest/gtest.h>

#include <filesystem>

#include "collector/source/procfs/host_file_source.h"
#include "collector/source/procfs/host_text.h"
#include "tests/support/fake_cgroupfs.h"
#include "tests/support/map_sample.h"

namespace ballast::source {
namespace {

using model::Field;

const std::string kGolden = (std::filesystem::path(BALLAST_FIXTURES) / "proc" / "6.18").string();

TEST(HostFileSourceTest, GoldenHostIsRead) {
  HostFileSource source({.proc = kGolden, .sys = kGolden + "/sys"});
  test::MapSample sample;

  ASSERT_TRUE(source.Collect(sample));

  const model::FieldSet& host = sample.Of(kHostSlot);
  // cpu  67206 68973 23666 468874 1350 0 150 508 0 0
  EXPECT_EQ(host.Get(Field::kCpuUserNs), (67206U + 68973U) * 10'000'000ULL);
  EXPECT_EQ(host.Get(Field::kCpuSystemNs), (23666U + 0U + 150U) * 10'000'000ULL);
  EXPECT_EQ(host.Get(Field::kCpuUsageNs), (67206U + 68973U + 23666U + 150U) * 10'000'000ULL);
  EXPECT_EQ(host.Get(Field::kMemoryTotalBytes), 24684096ULL * 1024);
  EXPECT_EQ(host.Get(Field::kMemoryAvailableBytes), 23842316ULL * 1024);
  EXPECT_EQ(host.Get(Field::kCpusOnline), 2U);
  EXPECT_EQ(host.Get(Field::kCpusPossible), 2U);
  EXPECT_EQ(host.Get(Field::kPressureCpuSomeNs), 481'738'443'000U);
  EXPECT_EQ(host.Get(Field::kPressureIoFullNs), 11'827'048'000U);
  EXPECT_EQ(host.Get(Field::kPressureMemoryFullNs), 2'182'000U);
}

TEST(HostFileSourceTest, KernelWithoutPressureLeavesItAbsent) {
  test::FakeCgroupfs tree;
  tree.Group("proc", {{"stat", "cpu  1 0 1 1 0 0 0 0 0 0"},
                      {"meminfo", "MemTotal: 10 kB\nMemAvailable: 5 kB"}});
  HostFileSource source(
      {.proc = (tree.root() / "proc").string(), .sys = (tree.root() / "sys").string()});
  test::MapSample sample;

  EXPECT_TRUE(source.Collect(sample));
  EXPECT_FALSE(sample.Of(kHostSlot).Has(Field::kPressureCpuSomeNs));
  EXPECT_FALSE(sample.Of(kHostSlot).Has(Field::kCpusOnline));
}

TEST(HostFileSourceTest, MissingProcIsAnErrorThatNamesTheFile) {
  HostFileSource source({.proc = "/nowhere", .sys = "/nowhere"});
  test::MapSample sample;

  const auto collected = source.Collect(sample);

  ASSERT_FALSE(collected);
  EXPECT_NE(collected.error().ToString().find("/nowhere/stat"), std::string::npos);
}

struct CpusRow {
  const char* name;
  const char* text;
  std::optional<std::uint64_t> expected;
};
class CountCpusTest : public testing::TestWithParam<CpusRow> {};
TEST_P(CountCpusTest, Text) {
  EXPECT_EQ(CountCpus(GetParam().text), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Rows, CountCpusTest,
                         testing::Values(CpusRow{"one", "0\n", 1}, CpusRow{"range", "0-7\n", 8},
                                         CpusRow{"list", "0-3,8,10-11\n", 7},
                                         CpusRow{"empty", "", {}}, CpusRow{"newline", "\n", {}},
                                         CpusRow{"backwards", "3-0", {}},
                                         CpusRow{"words", "all", {}},
                                         CpusRow{"open_range", "0-", {}},
                                         CpusRow{"absurd", "0-18446744073709551615", {}},
                                         CpusRow{"double_comma", "0,,1", {}}),
                         [](const auto& row) { return std::string(row.param.name); });

struct StatRow {
  const char* name;
  const char* text;
  std::optional<std::uint64_t> busy_ns;
};
class ParseProcStatTest : public testing::TestWithParam<StatRow> {};
TEST_P(ParseProcStatTest, Text) {
  const auto cpu = ParseProcStat(GetParam().text);

  EXPECT_EQ(cpu ? std::optional(cpu->busy_ns) : std::nullopt, GetParam().busy_ns);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ParseProcStatTest,
    testing::Values(StatRow{"guest_is_not_counted_twice", "cpu  5 0 0 9 9 0 0 3 5 0\n", 50'000'000},
                    StatRow{"interrupts_are_busy", "cpu  1 1 1 9 9 1 1 0 0 0\n", 50'000'000},
                    StatRow{"short_line", "cpu  1 2 3\n", {}},
                    StatRow{"one_cpu_only", "cpu0 1 1 1 1 1 1 1\n", {}}, StatRow{"empty", "", {}},
                    StatRow{"not_numbers", "cpu a b c d e f g\n", {}},
                    StatRow{"overflow", "cpu 18446744073709551615 0 0 0 0 0 0\n", {}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseMeminfoTest, UnitsOtherThanKilobytesAreNotTrusted) {
  const HostMemory memory = ParseMeminfo("MemTotal: 10 MB\nMemAvailable: 5 kB\n");

  EXPECT_EQ(memory.total_bytes, std::nullopt);
  EXPECT_EQ(memory.available_bytes, std::optional<std::uint64_t>(5120));
}

}  // namespace
}  // namespace ballast::source

#include "collector/export/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>

#include "collector/export/family.h"
#include "collector/export/page.h"
#include "tests/support/synthetic_records.h"

namespace ballast::exposition {
namespace {

using model::EntityKind;
using model::EntityRef;
using model::EntityRow;
using model::Field;
using model::Record;
using ::testing::HasSubstr;
using ::testing::Not;

model::RecordHeader Header(std::uint64_t sequence, std::uint64_t incarnation = 1) {
  return {.host = "h",
          .boot_id = "b",
          .incarnation = incarnation,
          .sequence = sequence,
          .at = std::chrono::seconds(100),
          .wall_offset = std::chrono::seconds(1'700'000'000)};
}

EntityRow Workload(std::uint32_t ref, const char* path) {
  EntityRow row{EntityRef{ref}, EntityKind::kContainer, std::nullopt, {}, {}};
  row.fields.SetText(Field::kPath, path);
  row.fields.Set(Field::kCgroupId, 1000ULL + ref);
  row.fields.Set(Field::kHierarchyId, 0);
  return row;
}

// A state with what is given, and pages of it.
class Page {
 public:
  explicit Page(std::vector<EntityRow> rows, const ExpositionOptions& options = {})
      : exposition_(options) {
    EntityRow host{model::kHostRef, EntityKind::kHost, std::nullopt, {}, {}};
    host.fields.Set(Field::kCpusOnline, 2);
    rows.insert(rows.begin(), std::move(host));
    Apply(Record{Header(++sequence_), model::Key{std::move(rows), model::KnownFieldNames()}});
  }
  void Apply(const Record& record) {
    exposition_.Observe(state_, record);
    state_.Apply(record);
  }
  void Die(std::uint32_t ref, std::uint64_t usage_ns) {
    EntityRow last{EntityRef{ref}, std::nullopt, std::nullopt, {}, {}};
    last.fields.Set(Field::kCpuUsageNs, usage_ns);
    Apply(Record{At(Header(++sequence_)),
                 model::Event{model::EventKind::kWorkloadDied, EntityRef{ref}, {}, {}, {last}}});
  }
  void Decide(model::FieldSet fields) {
    Apply(Record{At(Header(++sequence_)),
                 model::Event{model::EventKind::kDecision, {}, {}, std::move(fields), {}}});
  }
  void Born(EntityRow row) {
    const EntityRef ref = row.ref;
    Apply(Record{At(Header(++sequence_)),
                 model::Event{model::EventKind::kWorkloadBorn, ref, {}, {}, {std::move(row)}}});
  }
  std::string Write(Format format = Format::kText, std::optional<Scope> scope = std::nullopt) {
    return WholePage(exposition_.Take(state_, format, scope));
  }
  // Lets time pass, with these rows at its end.
  void Pass(std::chrono::seconds by, std::vector<EntityRow> rows = {}) {
    now_ += by;
    Apply(Record{At(Header(++sequence_)), model::Tick{std::move(rows), {}}});
  }
  const Exposition& exposition() const { return exposition_; }

 private:
  model::State state_;
  Exposition exposition_;
  model::RecordHeader At(model::RecordHeader header) const {
    header.at += now_;
    return header;
  }

  std::uint64_t sequence_ = 0;
  std::chrono::seconds now_{0};
};

// One sample's text: what stands behind the series whose line begins so.
std::string ValueOf(const std::string& page, const std::string& series) {
  const std::size_t at = page.find("\n" + series);
  if (at == std::string::npos) return "absent";
  const std::size_t space = page.find("} ", at);
  return page.substr(space + 2, page.find('\n', space) - space - 2);
}

std::uint64_t LeftOut(const auto& counters) {
  return std::accumulate(counters.begin(), counters.end(), std::uint64_t{0});
}

struct FieldCase {
  const char* name;
  std::vector<std::pair<Field, std::uint64_t>> fields;
  const char* series;
  const char* value;
};
void PrintTo(const FieldCase& c, std::ostream* out) {
  *out << c.name;
}
class FamilyTest : public ::testing::TestWithParam<FieldCase> {};

TEST_P(FamilyTest, FieldBecomesItsSample) {
  EntityRow row = Workload(1, "/a");
  for (const auto& [field, value] : GetParam().fields) row.fields.Set(field, value);

  const auto page = Page({row}).Write();

  EXPECT_EQ(ValueOf(page, std::string(GetParam().series) + "{id=\"/a\""), GetParam().value);
}

// table
INSTANTIATE_TEST_SUITE_P(
    Table, FamilyTest,
    ::testing::Values(
        FieldCase{"CpuIsSeconds",
                  {{Field::kCpuUsageNs, 1'250'000'000}},
                  "container_cpu_usage_seconds_total",
                  "1.25"},
        FieldCase{"AbsentIsNoSample", {}, "container_cpu_usage_seconds_total", "absent"},
        FieldCase{"ZeroIsASample",
                  {{Field::kCpuThrottledNs, 0}},
                  "container_cpu_cfs_throttled_seconds_total",
                  "0"},
        FieldCase{"WorkingSetLeavesOutInactiveFile",
                  {{Field::kMemoryUsageBytes, 100}, {Field::kMemoryInactiveFileBytes, 30}},
                  "container_memory_working_set_bytes",
                  "70"},
        FieldCase{"WorkingSetIsNeverNegative",
                  {{Field::kMemoryUsageBytes, 100}, {Field::kMemoryInactiveFileBytes, 130}},
                  "container_memory_working_set_bytes",
                  "0"},
        FieldCase{"WorkingSetNeedsBoth",
                  {{Field::kMemoryUsageBytes, 100}},
                  "container_memory_working_set_bytes",
                  "absent"},
        FieldCase{"QuotaIsMicroseconds",
                  {{Field::kCpuQuotaNs, 50'000'000}},
                  "container_spec_cpu_quota",
                  "50000"},
        FieldCase{"NoQuotaIsNoSample",
                  {{Field::kCpuQuotaNs, model::kUnlimited}},
                  "container_spec_cpu_quota",
                  "absent"},
        FieldCase{"NoMemoryLimitIsZero",
                  {{Field::kMemoryMaxBytes, model::kUnlimited}},
                  "container_spec_memory_limit_bytes",
                  "0"},
        FieldCase{
            "WeightIsShares", {{Field::kCpuWeight, 100}}, "container_spec_cpu_shares", "2597"},
        FieldCase{"StartIsWallTime",
                  {{Field::kBootRelativeStartNs, 5'000'000'000}},
                  "container_start_time_seconds",
                  "1700000005"},
        FieldCase{"LastSeenIsTheRecordsTime", {}, "container_last_seen", "1700000100"},
        FieldCase{"DemandIsCores",
                  {{Field::kDemandCpuMillicores, 1500}},
                  "ballast_demand_cpu_cores",
                  "1.5"},
        FieldCase{"NoCpuLimitIsNoSample",
                  {{Field::kLimitCpuMillicores, model::kUnlimited}},
                  "ballast_limit_cpu_cores",
                  "absent"}),
    [](const auto& test) { return test.param.name; });

TEST(ExpositionTest, DeadWorkloadKeepsItsCountersForTwoPages) {
  EntityRow row = Workload(1, "/a");
  row.fields.Set(Field::kCpuUsageNs, 1'000'000'000);
  row.fields.Set(Field::kMemoryUsageBytes, 5);
  Page page({row});

  page.Die(1, 2'000'000'000);

  const auto first = page.Write();
  EXPECT_EQ(ValueOf(first, "container_cpu_usage_seconds_total{id=\"/a\""), "2");
  EXPECT_EQ(ValueOf(first, "container_memory_usage_bytes{id=\"/a\""), "absent");
  page.Pass(std::chrono::seconds(40));
  EXPECT_EQ(ValueOf(page.Write(), "container_cpu_usage_seconds_total{id=\"/a\""), "2");
  EXPECT_EQ(ValueOf(page.Write(), "container_cpu_usage_seconds_total{id=\"/a\""), "absent");
}

TEST(ExpositionTest, SecondServersPagesDoNotHideTheDeadFromTheFirst) {
  EntityRow row = Workload(1, "/a");
  row.fields.Set(Field::kCpuUsageNs, 1'000'000'000);
  Page page({row});
  page.Die(1, 2'000'000'000);

  for (int i = 0; i < 3; ++i) page.Write();
  page.Pass(std::chrono::seconds(15));

  EXPECT_EQ(ValueOf(page.Write(), "container_cpu_usage_seconds_total{id=\"/a\""), "2");
}

TEST(ExpositionTest, SuccessorUnderTheSamePathReplacesTheDead) {
  EntityRow row = Workload(1, "/a");
  row.fields.Set(Field::kCpuUsageNs, 9'000'000'000);
  Page page({row});
  EntityRow successor = Workload(2, "/a");
  successor.fields.Set(Field::kCpuUsageNs, 1'000'000'000);

  page.Die(1, 9'000'000'000);
  page.Born(successor);

  const auto text = page.Write();
  EXPECT_EQ(ValueOf(text, "container_cpu_usage_seconds_total{id=\"/a\""), "1");
  EXPECT_THAT(text, Not(HasSubstr(" 9\n")));
  EXPECT_EQ(LeftOut(page.exposition().left_out().same_labels), 0U);
}

TEST(ExpositionTest, SecondWorkloadWithTheSameLabelsIsLeftOutAndCounted) {
  Page page({Workload(1, "/a"), Workload(2, "/a")});

  const auto text = page.Write();

  EXPECT_EQ(text.find("container_last_seen{id=\"/a\""),
            text.rfind("container_last_seen{id=\"/a\""));
  EXPECT_EQ(LeftOut(page.exposition().left_out().same_labels), 1U);
}

TEST(ExpositionTest, WorkloadsAboveTheBoundAreLeftOutAndCounted) {
  Page page({Workload(1, "/a"), Workload(2, "/b"), Workload(3, "/c")}, {.max_workloads = 2});

  const auto text = page.Write();

  EXPECT_EQ(ValueOf(text, "container_last_seen{id=\"/b\""), "1700000100");
  EXPECT_EQ(ValueOf(text, "container_last_seen{id=\"/c\""), "absent");
  EXPECT_EQ(LeftOut(page.exposition().left_out().over_limit), 1U);
}

TEST(ExpositionTest, HostStandsAsTheRootContainer) {
  Page page({});
  EntityRow host{model::kHostRef, std::nullopt, std::nullopt, {}, {}};
  host.fields.Set(Field::kCpuUsageNs, 3'000'000'000);
  page.Apply(Record{Header(2), model::Tick{{host}, {}}});

  const auto text = page.Write();

  EXPECT_EQ(ValueOf(text, "container_cpu_usage_seconds_total{id=\"/\""), "3");
  EXPECT_THAT(text, HasSubstr("\nmachine_cpu_cores 2\n"));
}

TEST(ExpositionTest, DeviceHasItsWorkloadsLabels) {
  EntityRow device{EntityRef{2}, EntityKind::kDevice, EntityRef{1}, {}, {}};
  device.fields.SetText(Field::kDevice, "8:0");
  device.fields.Set(Field::kIoReadBytes, 4096);

  const auto text = Page({Workload(1, "/a"), device}).Write();

  EXPECT_THAT(text, HasSubstr("container_fs_reads_bytes_total{id=\"/"
                              "a\",image=\"\",name=\"\",container=\"\",pod=\"\",namespace=\"\","
                              "device=\"8:0\"} 4096\n"));
}

TEST(ExpositionTest, WaterLevelIsTheLastDecisions) {
  Page page({Workload(1, "/a")});
  model::FieldSet decision;
  decision.SetReal(Field::kWaterLevelCpu, 750.0);

  page.Decide(decision);

  EXPECT_THAT(page.Write(), HasSubstr("\nballast_water_level_cpu_cores 0.75\n"));
}

TEST(ExpositionTest, NothingIsWrittenBeforeTheFirstKey) {
  Exposition exposition;

  EXPECT_EQ(WholePage(exposition.Take(model::State(), Format::kText)), "");
}

// The page of a fixed host, as a file to read. After a wanted change, write it
// anew: BALLAST_UPDATE_FIXTURES=1, then look at the difference.
TEST(ExpositionTest, PageOfAFixedHostIsAsStored) {
  test::SyntheticHost host({.workloads = 2, .seed = 7});
  model::State state;
  Exposition exposition;
  for (const Record& record : host.Run(40)) {
    exposition.Observe(state, record);
    state.Apply(record);
  }
  const std::string page = WholePage(exposition.Take(state, Format::kText));
  const std::string path = std::string(BALLAST_FIXTURES) + "/export/page.prom";
  if (std::getenv("BALLAST_UPDATE_FIXTURES") != nullptr) std::ofstream(path) << page;

  std::ostringstream stored;
  stored << std::ifstream(path).rdbuf();

  EXPECT_EQ(page, stored.str());
}

}  // namespace
}  // namespace ballast::exposition

#include "collector/source/cgroupfs/cgroup_file_source.h"

#include <gtest/gtest.h>

#include "tests/support/fake_cgroupfs.h"
#include "tests/support/map_sample.h"

namespace ballast::source {
namespace {

using model::Field;
using model::kUnlimited;

constexpr std::uint32_t kV2 = 0;
constexpr Slot kSlot = 7;
const std::filesystem::path kGolden =
    std::filesystem::path(BALLAST_FIXTURES) / "cgroup" / "6.18-hybrid";

model::CgroupLayout HybridLayout() {
  return {{{1, false, "/x/cpu", {"cpu"}},
           {2, false, "/x/cpuacct", {"cpuacct"}},
           {4, false, "/x/memory", {"memory"}},
           {8, false, "/x/pids", {"pids"}},
           {kV2, true, "/x/unified", {}}}};
}
model::CgroupLayout V2Layout() {
  return {{{kV2, true, "/x", {}}}};
}

Tracked OnV2(const std::string& directory) {
  return {kSlot, {1, kV2}, {{kV2, 1, directory}}};
}

class CgroupFileSourceTest : public testing::Test {
 protected:
  CgroupFileSource Make(const std::vector<Field>& wanted, CgroupFileOptions options = {}) {
    return CgroupFileSource(V2Layout(), wanted, options);
  }
  // A new tick's sample, as the pipeline would hand it round.
  model::FieldSet Tick(CgroupFileSource& source, model::FieldSet already = {}) {
    test::MapSample sample;
    sample.Of(kSlot) = std::move(already);
    const auto collected = source.Collect(sample);
    EXPECT_TRUE(collected) << collected.error().ToString();
    return sample.Of(kSlot);
  }
  std::string Web() const { return (fs_.root() / "web").string(); }

  test::FakeCgroupfs fs_;
};

TEST_F(CgroupFileSourceTest, GoldenHybridGroupIsReadFromAllItsHierarchies) {
  CgroupFileSource source(HybridLayout(), CgroupFileSource::AllFields(), {});
  Tracked group{kSlot, {1, kV2}, {}};
  for (const auto& [id, folder] :
       {std::pair{1U, "cpu"}, {2U, "cpuacct"}, {4U, "memory"}, {8U, "pids"}, {kV2, "unified"}})
    group.directories.push_back({id, 1, (kGolden / folder).string()});
  ASSERT_TRUE(source.Track(group));

  const model::FieldSet fields = Tick(source);

  struct Expected {
    Field field;
    std::uint64_t value;
  };
  for (const auto& [field, value] : {
           Expected{Field::kCpuUsageNs, 281'130'935},
           {Field::kCpuUserNs, 12'000'000},
           {Field::kCpuSystemNs, 232'000'000},
           {Field::kCpuPeriods, 15},
           {Field::kCpuThrottledPeriods, 12},
           {Field::kCpuThrottledNs, 416'668'235},
           {Field::kCpuQuotaNs, 20'000'000},
           {Field::kCpuPeriodNs, 100'000'000},
           {Field::kCpuBurstLimitNs, 0},
           {Field::kCpuWeight, 20},
           {Field::kMemoryUsageBytes, 32'419'840},
           {Field::kMemoryMaxBytes, 33'554'432},
           {Field::kMemoryMaxEvents, 12},
           {Field::kMemoryUnderOom, 0},
           {Field::kOomKills, 0},
           {Field::kMemoryLifetimePeakBytes, 33'382'400},
           {Field::kMemoryKernelBytes, 1'331'200},
           {Field::kMemoryAnonBytes, 348'160},
           {Field::kMemoryFileBytes, 30'605'312},
           {Field::kMemoryInactiveFileBytes, 30'597'120},
           {Field::kMemoryMinorFaults, 11'436},
           {Field::kMemoryMajorFaults, 8},
           {Field::kMemoryRefaultFile, 50},
           {Field::kThreads, 3},
           {Field::kPidsMax, 64},
           {Field::kPressureCpuSomeNs, 1'252'927'000},
           {Field::kPressureMemoryFullNs, 36'132'000},
           {Field::kPressureIoSomeNs, 6'548'000},
       })
    EXPECT_EQ(fields.Get(field), value) << model::InfoOf(field).name;
  EXPECT_FALSE(fields.Has(Field::kMemoryHighBytes)) << "v1 has no memory.high";
}

TEST_F(CgroupFileSourceTest, V2GroupIsRead) {
  fs_.Group("web", {{"cpu.stat",
                     "usage_usec 900\nuser_usec 600\nsystem_usec 300\nnr_periods 5\n"
                     "nr_throttled 2\nthrottled_usec 70"},
                    {"cpu.max", "max 100000"},
                    {"cpu.weight", "100"},
                    {"memory.current", "8192"},
                    {"memory.max", "max"},
                    {"memory.high", "65536"},
                    {"memory.low", "0"},
                    {"memory.peak", "12288"},
                    {"memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 0"},
                    {"memory.stat", "anon 4096\npgfault 12\npgmajfault 2\npgsteal 3"},
                    {"pids.current", "4"},
                    {"pids.max", "max"}});
  auto source = Make(CgroupFileSource::AllFields());
  ASSERT_TRUE(source.Track(OnV2(Web())));

  const model::FieldSet fields = Tick(source);

  EXPECT_EQ(fields.Get(Field::kCpuUsageNs), 900'000U);
  EXPECT_EQ(fields.Get(Field::kCpuThrottledNs), 70'000U);
  EXPECT_EQ(fields.Get(Field::kCpuQuotaNs), kUnlimited);
  EXPECT_EQ(fields.Get(Field::kCpuPeriodNs), 100'000'000U);
  EXPECT_EQ(fields.Get(Field::kCpuWeight), 100U);
  EXPECT_EQ(fields.Get(Field::kMemoryUsageBytes), 8192U);
  EXPECT_EQ(fields.Get(Field::kMemoryMaxBytes), kUnlimited);
  EXPECT_EQ(fields.Get(Field::kMemoryHighBytes), 65536U);
  EXPECT_EQ(fields.Get(Field::kMemoryLowBytes), 0U);
  EXPECT_EQ(fields.Get(Field::kMemoryLifetimePeakBytes), 12288U);
  EXPECT_EQ(fields.Get(Field::kMemoryMaxEvents), 3U);
  EXPECT_EQ(fields.Get(Field::kOomKills), 5U);
  EXPECT_EQ(fields.Get(Field::kMemoryMinorFaults), 10U);
  EXPECT_EQ(fields.Get(Field::kMemoryReclaimedBytes),
            3 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(fields.Get(Field::kPidsMax), kUnlimited);
}

TEST_F(CgroupFileSourceTest, FieldOfABetterSourceStands) {
  fs_.Group("web", {{"memory.current", "8192"}, {"memory.max", "16384"}});
  auto source = Make({Field::kMemoryUsageBytes, Field::kMemoryMaxBytes});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  model::FieldSet already;
  already.Set(Field::kMemoryUsageBytes, 5);

  const model::FieldSet fields = Tick(source, already);

  EXPECT_EQ(fields.Get(Field::kMemoryUsageBytes), 5U);
  EXPECT_EQ(fields.Get(Field::kMemoryMaxBytes), 16384U);
  EXPECT_EQ(source.counts().reads, 1U) << "memory.current need not be read";
}

TEST_F(CgroupFileSourceTest, FileWithSomeFieldsMissingLeavesTheOthersAlone) {
  fs_.Group("web", {{"cpu.stat", "usage_usec 900\nuser_usec 600"}});
  auto source = Make({Field::kCpuUsageNs, Field::kCpuUserNs});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  model::FieldSet already;
  already.Set(Field::kCpuUsageNs, 5);

  const model::FieldSet fields = Tick(source, already);

  EXPECT_EQ(fields.Get(Field::kCpuUsageNs), 5U);
  EXPECT_EQ(fields.Get(Field::kCpuUserNs), 600'000U);
}

TEST_F(CgroupFileSourceTest, OnlyWantedFieldsAreSet) {
  fs_.Group("web", {{"cpu.stat", "usage_usec 900\nuser_usec 600"}, {"memory.current", "8192"}});
  auto source = Make({Field::kCpuUserNs});
  ASSERT_TRUE(source.Track(OnV2(Web())));

  const model::FieldSet fields = Tick(source);

  EXPECT_TRUE(fields.Has(Field::kCpuUserNs));
  EXPECT_FALSE(fields.Has(Field::kCpuUsageNs));
  EXPECT_FALSE(fields.Has(Field::kMemoryUsageBytes));
}

TEST_F(CgroupFileSourceTest, MissingFileIsAbsentWithoutAnError) {
  fs_.Group("web", {{"memory.current", "8192"}});
  auto source = Make(CgroupFileSource::AllFields());
  ASSERT_TRUE(source.Track(OnV2(Web())));

  const model::FieldSet fields = Tick(source);

  EXPECT_TRUE(fields.Has(Field::kMemoryUsageBytes));
  EXPECT_FALSE(fields.Has(Field::kMemoryMaxBytes));
  EXPECT_EQ(source.counts().failed_reads, 0U);
}

TEST_F(CgroupFileSourceTest, ControllerThatIsSwitchedOnIsSeenAfterFiveSeconds) {
  fs_.Group("web", {{"cpu.stat", "usage_usec 900"}});
  auto source = Make({Field::kMemoryHighBytes, Field::kMemoryMaxBytes, Field::kPidsMax});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);  // tick 0
  fs_.Write("web", {"memory.current", "8192"});
  fs_.Write("web", {"memory.high", "4096"});
  fs_.Write("web", {"memory.max", "16384"});

  for (int tick = 1; tick < 50; ++tick) EXPECT_TRUE(Tick(source).empty()) << tick;
  const model::FieldSet fields = Tick(source);

  EXPECT_EQ(fields.Get(Field::kMemoryHighBytes), 4096U);
  EXPECT_EQ(fields.Get(Field::kMemoryMaxBytes), 16384U);
  EXPECT_FALSE(fields.Has(Field::kPidsMax));
}

TEST_F(CgroupFileSourceTest, MalformedTextIsAbsentNotZero) {
  fs_.Group("web", {{"memory.current", "lots"}, {"cpu.max", "oops"}, {"memory.stat", "anon many"}});
  auto source = Make({Field::kMemoryUsageBytes, Field::kCpuQuotaNs, Field::kMemoryAnonBytes});
  ASSERT_TRUE(source.Track(OnV2(Web())));

  EXPECT_TRUE(Tick(source).empty());
}

TEST_F(CgroupFileSourceTest, LimitMovedByAnotherHandIsSeenInTheNextTick) {
  fs_.Group("web", {{"cpu.max", "50000 100000"}, {"memory.max", "16384"}});
  auto source = Make({Field::kCpuQuotaNs, Field::kMemoryMaxBytes});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);

  fs_.Write("web", {"cpu.max", "80000 100000"});
  fs_.Write("web", {"memory.max", "32768"});

  const model::FieldSet fields = Tick(source);
  EXPECT_EQ(fields.Get(Field::kCpuQuotaNs), 80'000'000U);
  EXPECT_EQ(fields.Get(Field::kMemoryMaxBytes), 32768U);
}

TEST_F(CgroupFileSourceTest, SlowFileStandsUntilItsTurnComes) {
  fs_.Group("web", {{"cpu.weight", "100"}});
  auto source = Make({Field::kCpuWeight}, {.slow_every = 10});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);  // tick 0

  fs_.Write("web", {"cpu.weight", "200"});

  for (int tick = 1; tick < 6; ++tick) Tick(source);
  EXPECT_EQ(Tick(source).Get(Field::kCpuWeight), 100U);  // 6
  EXPECT_EQ(Tick(source).Get(Field::kCpuWeight), 200U);  // 7, as the slot
}

TEST_F(CgroupFileSourceTest, SlowFileOfASleeperWaitsForItsLaterTurn) {
  fs_.Group("web", {{"cpu.weight", "100"}});
  auto source = Make({Field::kCpuWeight}, {.slow_every = 10, .quiet_turns = 4});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  model::FieldSet asleep;
  asleep.Set(Field::kCpuUsageNs, std::uint64_t{5});
  for (int tick = 0; tick < 8; ++tick) Tick(source, asleep);  // its turn is tick 7
  fs_.Write("web", {"cpu.weight", "200"});

  for (int tick = 8; tick < 17; ++tick) Tick(source, asleep);
  model::FieldSet awake;
  awake.Set(Field::kCpuUsageNs, std::uint64_t{6});
  const auto left_out = Tick(source, asleep).Get(Field::kCpuWeight);  // 17, or 47 while asleep
  const auto read = Tick(source, awake).Get(Field::kCpuWeight);       // at once when it wakes

  EXPECT_EQ(left_out, 100U);
  EXPECT_EQ(read, 200U);
}

// Tick 0 reads whatever is there, tick 7 is the slot's turn, and from then on every tick.
TEST_F(CgroupFileSourceTest, FileThatFollowsUseIsNotReadWhileNothingIsUsed) {
  fs_.Group("web", {{"pids.current", "3"}, {"pids.max", "10"}});
  auto source = Make({Field::kThreads, Field::kPidsMax},
                     {.slow_every = 1, .quiet_turns = 2, .still_turns = 20});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  model::FieldSet still;
  still.Set(Field::kCpuUsageNs, std::uint64_t{5});
  still.Set(Field::kMemoryUsageBytes, std::uint64_t{4096});
  for (int tick = 0; tick < 8; ++tick) Tick(source, still);
  fs_.Write("web", {"pids.current", "4"});
  fs_.Write("web", {"pids.max", "11"});

  Tick(source, still);
  const model::FieldSet asleep = Tick(source, still);
  still.Set(Field::kMemoryUsageBytes, std::uint64_t{8192});
  Tick(source, still);
  const model::FieldSet reclaimed = Tick(source, still);

  EXPECT_EQ(asleep.Get(Field::kThreads), 3U);
  EXPECT_EQ(asleep.Get(Field::kPidsMax), 11U) << "somebody else may set it";
  EXPECT_EQ(reclaimed.Get(Field::kThreads), 4U);
}

TEST_F(CgroupFileSourceTest, KeptWorkloadIsNotRead) {
  fs_.Group("web", {{"memory.current", "4096"}});
  auto source = Make({Field::kMemoryUsageBytes});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);
  const auto reads = source.counts().reads;

  test::MapSample sample;
  sample.Keep(kSlot);
  ASSERT_TRUE(source.Collect(sample));

  EXPECT_EQ(source.counts().reads, reads);
}

TEST_F(CgroupFileSourceTest, DescriptorsAreKeptUpToTheBound) {
  fs_.Group("web", {{"memory.current", "1"}, {"memory.max", "2"}, {"memory.high", "3"}});
  auto source = Make({Field::kMemoryUsageBytes, Field::kMemoryMaxBytes, Field::kMemoryHighBytes},
                     {.max_open_files = 2});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);

  EXPECT_EQ(source.counts().open_files, 2U);
  EXPECT_EQ(Tick(source).Get(Field::kMemoryHighBytes), 3U) << "read without a kept descriptor";
}

TEST_F(CgroupFileSourceTest, UntrackClosesDescriptors) {
  fs_.Group("web", {{"memory.current", "1"}});
  auto source = Make({Field::kMemoryUsageBytes});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);
  ASSERT_EQ(source.counts().open_files, 1U);

  source.Untrack(kSlot);

  EXPECT_EQ(source.counts().open_files, 0U);
  EXPECT_TRUE(Tick(source).empty());
}

TEST_F(CgroupFileSourceTest, TrackAgainAddsTheNewDirectory) {
  fs_.Group("unified/web");
  fs_.Group("memory/web", {{"memory.usage_in_bytes", "4096"}});
  CgroupFileSource source(HybridLayout(), {Field::kMemoryUsageBytes}, {});
  Tracked web{kSlot, {1, kV2}, {{kV2, 1, (fs_.root() / "unified/web").string()}}};
  ASSERT_TRUE(source.Track(web));
  ASSERT_FALSE(Tick(source).Has(Field::kMemoryUsageBytes));

  web.directories.push_back({4, 2, (fs_.root() / "memory/web").string()});
  ASSERT_TRUE(source.Track(web));

  EXPECT_EQ(Tick(source).Get(Field::kMemoryUsageBytes), 4096U);
}

TEST_F(CgroupFileSourceTest, ControllerSwitchedOnLaterIsPickedUp) {
  fs_.Group("web");
  auto source = Make({Field::kMemoryUsageBytes});
  ASSERT_TRUE(source.Track(OnV2(Web())));
  Tick(source);
  fs_.Write("web", {"memory.current", "4096"});

  model::FieldSet fields;
  for (int tick = 0; tick < 60 && fields.empty(); ++tick) fields = Tick(source);

  EXPECT_EQ(fields.Get(Field::kMemoryUsageBytes), 4096U);
}

}  // namespace
}  // namespace ballast::source

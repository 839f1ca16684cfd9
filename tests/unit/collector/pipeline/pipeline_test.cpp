#include "collector/pipeline/pipeline.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

namespace ballast::pipeline {
namespace {

using model::Event;
using model::EventKind;
using model::Field;
using model::Key;
using model::Tick;
using source::Slot;

constexpr std::uint32_t kMemory = 5;  // the hierarchy of v1's controller

// A kernel that the test plays: values by slot, events when asked.
class FakeSource final : public source::Source {
 public:
  std::string_view name() const override { return "fake"; }
  Result<> Track(const source::Tracked& workload) override {
    tracked.insert_or_assign(workload.slot, workload.directories.size());
    return Ok();
  }
  void ReadFinal(Slot slot, model::FieldSet& last) override {
    last.Set(Field::kCpuUsageNs, usage[slot] + 11);
  }
  void Untrack(Slot slot) override { tracked.erase(slot); }
  void KeepQuiet(source::Sample& sample) override {
    for (const Slot slot : quiet) sample.Keep(slot);
  }
  Result<> Collect(source::Sample& sample) override {
    kept.clear();
    for (const auto& [slot, directories] : tracked)
      if (sample.IsKept(slot)) kept.push_back(slot);
    if (fails) return Error::Invalid("the kernel says no");
    for (const auto& [slot, directories] : tracked)
      sample.Of(slot).Set(Field::kCpuUsageNs, usage[slot]);
    for (const auto& [slot, bytes] : memory) sample.Of(slot).Set(Field::kMemoryUsageBytes, bytes);
    return Ok();
  }
  void Drain(source::EventSink& sink) override {
    for (auto& event : events) sink.OnEvent(std::move(event));
    events.clear();
    for (const auto& change : changes) sink.OnCgroup(change);
    changes.clear();
    for (const auto& [slot, kind, identity] : identities) sink.OnIdentity(slot, kind, identity);
    identities.clear();
  }

  std::map<Slot, std::size_t> tracked;  // slot -> number of directories
  std::map<Slot, std::uint64_t> usage;
  std::map<Slot, std::uint64_t> memory;
  std::vector<Slot> quiet;
  std::vector<Slot> kept;  // seen by the last Collect
  std::vector<source::SourceEvent> events;
  std::vector<source::CgroupChange> changes;
  std::vector<std::tuple<Slot, std::optional<model::EntityKind>, model::FieldSet>> identities;
  bool fails = false;
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ballast-pipeline.XXXXXX").string();
    memory_root_ = ::mkdtemp(std::string(pattern).data());
    root_ = ::mkdtemp(pattern.data());
    model::CgroupLayout layout{
        {{.id = 0, .is_v2 = true, .mount_point = root_, .controllers = {}},
         {.id = kMemory, .is_v2 = false, .mount_point = memory_root_, .controllers = {"memory"}}}};
    discover::RegistryOptions registry;
    registry.classify.prefixes = {"/demo"};
    registry.max_workloads = 4;
    std::filesystem::create_directories(root_ + "/demo/first");

    auto source = std::make_unique<FakeSource>();
    fake_ = source.get();
    std::vector<std::unique_ptr<source::Source>> sources;
    sources.push_back(std::move(source));
    pipeline_ = std::make_unique<Pipeline>(
        PipelineOptions{.max_slot = 4}, HostIdentity{"host", "boot"}, clock_,
        discover::Registry(layout, registry), std::move(sources),
        [this](const auto& published) { written_.push_back(published->record); });
    pipeline_->Start();
  }
  ~PipelineTest() override {
    std::filesystem::remove_all(root_);
    std::filesystem::remove_all(memory_root_);
  }

  void Advance(std::chrono::milliseconds after = std::chrono::milliseconds(100)) {
    clock_.Advance(after);
    pipeline_->Tick();
  }
  void MakeGroup(const std::string& path) {
    std::filesystem::create_directories(root_ + path);
    Hint(source::CgroupChange::Kind::kMade, path, IdOf(path));
  }
  void RemoveGroup(const std::string& path) {
    const std::uint64_t id = IdOf(path);
    std::filesystem::remove(root_ + path);
    Hint(source::CgroupChange::Kind::kRemoved, path, id);
  }
  std::uint64_t IdOf(const std::string& path) const {
    struct stat status {};
    EXPECT_EQ(::stat((root_ + path).c_str(), &status), 0);
    return status.st_ino;
  }
  void Hint(source::CgroupChange::Kind kind, const std::string& path, std::uint64_t id) {
    fake_->changes.push_back({kind, 0, id, 0, path});
    pipeline_->Drain(*fake_);
  }
  template <typename Body>
  const Body* Last() const {
    for (auto at = written_.rbegin(); at != written_.rend(); ++at)
      if (const auto* body = std::get_if<Body>(&at->body)) return body;
    return nullptr;
  }

  std::vector<Event> EventsOf(EventKind kind) const {
    std::vector<Event> events;
    for (const auto& record : written_)
      if (const auto* event = std::get_if<Event>(&record.body);
          event != nullptr && event->kind == kind)
        events.push_back(*event);
    return events;
  }
  const model::EntityRow* RowOf(const Tick& tick, std::string_view path) const {
    for (const auto& row : tick.rows)
      if (pipeline_->state().Find(row.ref)->fields.GetText(Field::kPath) == path) return &row;
    return nullptr;
  }

  std::string root_;         // cgroup2
  std::string memory_root_;  // of v1
  ManualClock clock_;
  FakeSource* fake_ = nullptr;
  std::vector<model::Record> written_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, OomKillSaysWhoHadMostMemory) {
  MakeGroup("/demo/second");
  const Slot first = fake_->tracked.begin()->first;
  const Slot second = std::next(fake_->tracked.begin())->first;
  fake_->memory = {{first, 64U << 20}, {second, 512U << 20}};
  Advance();
  fake_->events.push_back({EventKind::kOomKill, first, {}});

  pipeline_->Drain(*fake_);

  const auto* event = Last<Event>();
  ASSERT_NE(event, nullptr);
  ASSERT_EQ(event->kind, EventKind::kOomKill);
  EXPECT_EQ(event->fields.GetText(Field::kText), "most memory: second 512 MiB, first 64 MiB");
}

TEST_F(PipelineTest, WhatIsThereAtStartIsBornAndInTheKey) {
  EXPECT_EQ(fake_->tracked, (std::map<Slot, std::size_t>{{1, 1}}));
  const Key* key = Last<Key>();
  ASSERT_NE(key, nullptr);
  ASSERT_EQ(key->entities.size(), 2U);
  EXPECT_EQ(key->entities[1].fields.GetText(Field::kPath), "/demo/first");
}

TEST_F(PipelineTest, TickCarriesWhatChanged) {
  fake_->usage[1] = 500;
  Advance();

  const model::EntityRow* row = RowOf(*Last<Tick>(), "/demo/first");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->fields.Get(Field::kCpuUsageNs), 500U);
}

TEST_F(PipelineTest, HintedGroupIsBornAtOnce) {
  MakeGroup("/demo/second");

  const Event* born = Last<Event>();
  ASSERT_NE(born, nullptr);
  EXPECT_EQ(born->kind, EventKind::kWorkloadBorn);
  EXPECT_EQ(born->rows[0].fields.GetText(Field::kName), "second");
  EXPECT_EQ(fake_->tracked.size(), 2U);
}

TEST_F(PipelineTest, GroupWithoutAHintIsFoundByTheScan) {
  std::filesystem::create_directories(root_ + "/demo/second");
  Advance(std::chrono::seconds(10));

  EXPECT_EQ(fake_->tracked.size(), 2U);
}

TEST_F(PipelineTest, DeathCarriesWhatTheLastTickMissed) {
  fake_->usage[1] = 500;
  Advance();
  RemoveGroup("/demo/first");

  const Event* died = Last<Event>();
  EXPECT_EQ(died->kind, EventKind::kWorkloadDied);
  EXPECT_EQ(died->rows[0].fields.Get(Field::kCpuUsageNs), 511U);
  EXPECT_TRUE(fake_->tracked.empty());
  EXPECT_EQ(pipeline_->state().entities().size(), 1U);
}

TEST_F(PipelineTest, GroupMadeAgainIsSomebodyElse) {
  fake_->usage[1] = 500;
  Advance();
  RemoveGroup("/demo/first");
  fake_->usage[1] = 0;
  MakeGroup("/demo/first");
  Advance();

  const model::State& state = pipeline_->state();
  ASSERT_EQ(state.entities().size(), 2U);
  EXPECT_EQ(state.entities().rbegin()->second.fields.Get(Field::kCpuUsageNs), 0U);
}

TEST_F(PipelineTest, SourceEventIsWrittenAtOnceWithItsSubject) {
  fake_->events.push_back({EventKind::kThrottleBegin, 1, {}});
  pipeline_->Drain(*fake_);

  const Event* event = Last<Event>();
  EXPECT_EQ(event->kind, EventKind::kThrottleBegin);
  EXPECT_EQ(event->subject, pipeline_->state().FindWorkload(*event->key));
}

TEST_F(PipelineTest, QuietWorkloadIsKeptUnlessAnEventToldOfIt) {
  fake_->usage[1] = 5;
  Advance();
  fake_->quiet = {1};

  Advance();
  EXPECT_EQ(fake_->kept, std::vector<Slot>{1});

  fake_->events.push_back({EventKind::kThrottleBegin, 1, {}});
  pipeline_->Drain(*fake_);
  Advance();
  EXPECT_TRUE(fake_->kept.empty());
}

TEST_F(PipelineTest, EventOfAnUnknownSlotIsCountedNotWritten) {
  const std::size_t before = written_.size();
  fake_->events.push_back({EventKind::kThrottleBegin, 3, {}});
  pipeline_->Drain(*fake_);

  EXPECT_EQ(written_.size(), before);
  EXPECT_EQ(pipeline_->counters().ignored_events, 1U);
}

TEST_F(PipelineTest, FailingSourceIsSaidOnceAndOnceWhenItWorksAgain) {
  fake_->fails = true;
  for (int i = 0; i < 5; ++i) Advance();
  const auto failed = EventsOf(EventKind::kSource);
  fake_->fails = false;
  Advance();

  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].fields.GetText(Field::kError), "the kernel says no");
  EXPECT_EQ(EventsOf(EventKind::kSource).size(), 2U);
  EXPECT_EQ(pipeline_->counters().sources[0].errors, 5U);
}

TEST_F(PipelineTest, KeyEveryTenSeconds) {
  const auto keys = [this] { return pipeline_->counters().key_records; };
  const auto before = keys();
  for (int i = 0; i < 100; ++i) Advance();

  EXPECT_EQ(keys(), before + 1);
}

TEST_F(PipelineTest, LateTickIsCounted) {
  Advance(std::chrono::milliseconds(350));

  EXPECT_EQ(pipeline_->counters().late_ticks, 1U);
}

model::Record Decision(const model::State& state, std::uint64_t incarnation) {
  model::EntityRow row{model::EntityRef{1}, std::nullopt, std::nullopt, {}, {}};
  row.fields.Set(Field::kDemandCpuMillicores, 1500);
  row.fields.Set(Field::kCpuUsageNs, 999'999);  // not the autoscaler's to say
  const auto key = model::KeyOf(state.Find(model::EntityRef{1})->fields);
  row.fields.Set(Field::kCgroupId, key->cgroup_id);
  row.fields.Set(Field::kHierarchyId, key->hierarchy_id);
  model::Record record{{}, Event{EventKind::kDecision, std::nullopt, std::nullopt, {}, {row}}};
  record.header.incarnation = incarnation;
  return record;
}

TEST_F(PipelineTest, DecisionGetsItsPlaceAndStaysInTheState) {
  const std::uint64_t sequence = written_.back().header.sequence;
  pipeline_->Submit(Decision(pipeline_->state(), written_.back().header.incarnation));

  EXPECT_EQ(written_.back().header.sequence, sequence + 1);
  const model::Entity& first = *pipeline_->state().Find(model::EntityRef{1});
  EXPECT_EQ(first.fields.Get(Field::kDemandCpuMillicores), 1500U);
  EXPECT_EQ(first.fields.Get(Field::kCpuUsageNs), 0U);
}

TEST_F(PipelineTest, LateDecisionOfAnotherIncarnationFindsItsWorkloadByKey) {
  model::Record late = Decision(pipeline_->state(), 12345);
  std::get<Event>(late.body).rows[0].ref = model::EntityRef{77};
  pipeline_->Submit(std::move(late));

  EXPECT_EQ(pipeline_->state().Find(model::EntityRef{1})->fields.Get(Field::kDemandCpuMillicores),
            1500U);
}

TEST_F(PipelineTest, OnlyEventsMayBeSubmitted) {
  const std::size_t before = written_.size();
  pipeline_->Submit({{}, Tick{}});

  EXPECT_EQ(written_.size(), before);
  EXPECT_EQ(pipeline_->counters().refused_submissions, 1U);
}

TEST_F(PipelineTest, EveryReaderEndsInThePipelinesOwnState) {
  model::State reader;
  fake_->usage[1] = 7;
  Advance();
  MakeGroup("/demo/second");
  RemoveGroup("/demo/first");
  Advance();
  for (const auto& record : written_) reader.Apply(record);

  EXPECT_EQ(reader.ToKey(), pipeline_->state().ToKey());
}

TEST_F(PipelineTest, DirectoriesThatComeLaterAreMeasuredAndNoEvent) {
  const std::string directory = memory_root_ + "/demo/first";
  std::filesystem::create_directories(directory);
  struct stat status {};
  ASSERT_EQ(::stat(directory.c_str(), &status), 0);
  const std::size_t written = written_.size();

  fake_->changes.push_back(
      {source::CgroupChange::Kind::kMade, kMemory, status.st_ino, 0, "/demo/first"});
  pipeline_->Drain(*fake_);

  EXPECT_EQ(fake_->tracked.begin()->second, 2u);
  EXPECT_EQ(written_.size(), written);
}

TEST_F(PipelineTest, IdentityLearnedLaterIsAnEventAndStays) {
  const Slot slot = fake_->tracked.begin()->first;
  model::FieldSet identity;
  identity.SetText(Field::kGuestName, "web-1");
  fake_->identities = {{slot, model::EntityKind::kVm, identity}};

  pipeline_->Drain(*pipeline_->sources()[0]);

  const auto& event = std::get<Event>(written_.back().body);
  EXPECT_EQ(event.kind, EventKind::kWorkloadChanged);
  const model::Entity* entity = pipeline_->state().Find(*event.subject);
  ASSERT_NE(entity, nullptr);
  EXPECT_EQ(entity->kind, model::EntityKind::kVm);
  EXPECT_EQ(entity->fields.GetText(Field::kGuestName), "web-1");
  EXPECT_FALSE(entity->fields.GetText(Field::kPath).empty());
}

TEST_F(PipelineTest, IdentityThatIsKnownOrNobodysIsNoEvent) {
  const Slot slot = fake_->tracked.begin()->first;
  model::FieldSet identity;
  identity.SetText(Field::kImage, "python:3");
  fake_->identities = {{slot, std::nullopt, identity}};
  pipeline_->Drain(*pipeline_->sources()[0]);
  const std::size_t before = written_.size();
  fake_->identities = {{slot, std::nullopt, identity}, {4, std::nullopt, identity}};

  pipeline_->Drain(*pipeline_->sources()[0]);

  EXPECT_EQ(written_.size(), before);
}

}  // namespace
}  // namespace ballast::pipeline

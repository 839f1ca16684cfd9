#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collector/base/clock.h"
#include "collector/discover/namer.h"
#include "collector/discover/registry.h"
#include "collector/pipeline/sample_store.h"
#include "collector/pipeline/sequencer.h"
#include "collector/source/source.h"

namespace ballast::pipeline {

struct PipelineOptions {
  // Affects what readers see.
  std::chrono::milliseconds tick{100};
  std::chrono::seconds key{
      10};  // how far back reading must start; also what a late reader waits for
  // Affects cost. Looks for workloads that no hint told of; short where no
  // source gives hints (no BPF), else a safety net.
  std::chrono::milliseconds scan{10'000};
  source::Slot max_slot = 1024;
};

struct SourceCounters {
  std::string_view name;
  std::uint64_t errors = 0;
  bool failing = false;  // in the last tick
};

struct PipelineCounters {
  std::uint64_t ticks = 0;
  std::uint64_t late_ticks = 0;  // began over one interval late
  std::uint64_t key_records = 0;
  std::uint64_t event_records = 0;
  std::uint64_t ignored_events = 0;  // of a slot that nobody has any more
  std::uint64_t refused_submissions = 0;
  std::vector<SourceCounters> sources;
};

// Sources to records, in one order (README). The caller gives it its moments:
//
//   Pipeline pipeline(options, identity, clock, std::move(registry), std::move(sources), publish);
//   pipeline.Start();                 // finds what is there, writes births and a key
//   every options.tick: pipeline.Tick();
//   when source->event_fd() is readable: pipeline.Drain(*source);
//   when the autoscaler says something: pipeline.Submit(record);
//
// Not thread-safe; everything on the tick thread.
class Pipeline final : private source::EventSink {
 public:
  // `clock` outlives the pipeline.
  Pipeline(PipelineOptions options, HostIdentity identity, const Clock& clock,
           discover::Registry registry, std::vector<std::unique_ptr<source::Source>> sources,
           PublishFn publish);
  ~Pipeline() override = default;

  // Before Start(): names, images and labels from runtimes, where there are any.
  void SetNamer(std::unique_ptr<discover::Namer> namer) { namer_ = std::move(namer); }
  void Start();
  void Tick();
  void Drain(source::Source& source);
  // When the namer's event_fd is readable.
  void TakeNames();
  // An event that the autoscaler made: gets its place in the sequence. Rows may
  // carry nothing but decisions; those of another incarnation are matched by
  // the workload's key, or left out.
  void Submit(model::Record submitted);

  const discover::Namer* namer() const { return namer_.get(); }
  const std::vector<std::unique_ptr<source::Source>>& sources() const { return sources_; }
  const model::State& state() const { return sequencer_.state(); }
  const PipelineCounters& counters() const { return counters_; }
  discover::RegistryCounts registry_counts() const { return registry_.counts(); }

 private:
  // EventSink:
  void OnEvent(source::SourceEvent event) override;
  void OnCgroup(const source::CgroupChange& change) override;
  void OnIdentity(source::Slot slot, std::optional<model::EntityKind> kind,
                  const model::FieldSet& identity) override;

  void Apply(const discover::Changes& changes);
  void Die(source::Slot slot);
  void Bear(source::Slot slot);
  void Change(source::Slot slot);
  void TrackInSources(const discover::Workload& workload);
  void Collect(std::size_t index);
  void NoteOutcome(std::size_t index, const Result<>& outcome);
  void WriteEvent(model::Event event);
  void WriteKeyIfDue(BootTime now);

  const PipelineOptions options_;
  const Clock& clock_;
  PipelineCounters counters_;
  Sequencer sequencer_;
  discover::Registry registry_;
  std::unique_ptr<discover::Namer> namer_;  // null: nobody is asked
  std::vector<std::unique_ptr<source::Source>> sources_;
  SampleStore store_;
  BootTime last_tick_{};
  BootTime last_key_{};
  BootTime last_scan_{};
  BootTime last_log_{};
};

}  // namespace ballast::pipeline
